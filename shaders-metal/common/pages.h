// A kv head in the pages of a sequence: [page][kv head][32 tokens][head_size] halves, PARTS times eight of them.
struct Pages {
  device const uint* pages;
  uint kv_head, kv_heads;

  uint at(uint token, uint part) const thread {
    return ((pages[token / 32] * kv_heads + kv_head) * 32 + token % 32) * PARTS + part;
  }
};
