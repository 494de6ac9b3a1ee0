// Parts of attend_rows.metal. A SIMD-group has HEADS query heads (one of SUBSETS) of the group and every SLOTS-th QUADS
// quads of positions; LANES of its threads go over a quad, with maxima and sums of their own, merged at the end.
#include "common/rope.h"

#include "common/pages.h"

constant uint COLUMNS = group * head_size;
constant uint SUBSETS = group <= 4 ? 1 : group <= 8 ? 2 : 4;
constant uint HEADS = (group + SUBSETS - 1) / SUBSETS;
constant uint SLOTS = 8 / SUBSETS;
constant uint QUADS = 32 / LANES;
constant uint ROUND = SLOTS * QUADS * 4;  // positions
constexpr constant float LEAST = -1e30;   // finite, so that differences of it are numbers

struct Share {
  uint start, begin, end, count;  // start: of what the window shows; begin, end: of this share; count: of shares
};

// Share y of up to `most`. A short row is not worth a merge.
inline Share share_of(uint position, uint window, uint y, uint most) {
  const uint end = position + 1, start = window == 0 || end <= window ? 0 : end - window;
  const uint page = start / 32, count = (end + 31) / 32 - page;
  const uint shares = count <= 8 ? 1 : min(most, (count + 3) / 4);
  return {start, (page + count * y / shares) * 32, min(end, (page + count * (y + 1) / shares) * 32), shares};
}

struct Cache {
  Pages pages;
  device uint4* keys;
  device uint4* values;
};

struct Memory {
  threadgroup float4* numbers;  // [group][head_size]: queries, later results
  threadgroup float2* tops;     // (maximum, sum of exponents) of [slot or share][head]
  threadgroup float2* totals;   // of [head]
  threadgroup uint4* fresh;     // the new token's key, and from 32 on its value
};

struct Token {
  uint position, queries, key, value;  // position, and where the kv head's numbers are in projected
  float factor;                        // of queries
  bool is_kept;                        // its key and value, by this share
};

// For the whole threadgroup at once: queries into numbers, and the new key and value to where they are kept.
inline void rotate_token(Heads heads, Token token, Cache cache, Memory memory, uint t) {
  const uint part = t % LANES;
  for (uint first = 0; first < group + 2; first += 256 / LANES) {
    const uint item = first + t / LANES;
    const uint what = item < group ? IS_QUERY : item == group ? IS_KEY : IS_VALUE;
    const bool live = part < PARTS && item < (token.is_kept ? group + 2 : group);
    const uint from = item < group ? token.queries + item * head_size : item == group ? token.key : token.value;
    const Eight x = heads.part_at(live, from, part, token.position, what);
    if (!live) continue;
    if (what == IS_QUERY) {
      memory.numbers[(item * PARTS + part) * 2] = x.low * token.factor;
      memory.numbers[(item * PARTS + part) * 2 + 1] = x.high * token.factor;
      continue;
    }
    memory.fresh[what == IS_KEY ? part : 32 + part] = halves_from(x);
    (what == IS_KEY ? cache.keys : cache.values)[cache.pages.at(token.position, part)] = halves_from(x);
  }
}

// What LANES threads have seen so far.
struct Seen {
  Eight sums[4];
  float4 maxima, exponents;

  // Adds a quad's values; scores become their weights.
  void add(thread float4* scores, thread const uint4* values) thread {
    UNROLL for (uint h = 0; h < 4; h++) {
      if (h >= HEADS) continue;
      const float4 four = scores[h];
      const float most = max(max(max(four.x, four.y), max(four.z, four.w)), maxima[h]);
      const float shrink = fast::exp2(maxima[h] - most);
      scores[h] = fast::exp2(four - most);
      maxima[h] = most;
      exponents[h] = exponents[h] * shrink + dot(scores[h], float4(1));
      sums[h].low *= shrink;
      sums[h].high *= shrink;
    }
    UNROLL for (uint i = 0; i < 4; i++) {
      const Eight value = halves_of(values[i]);
      UNROLL for (uint h = 0; h < 4; h++) {
        if (h >= HEADS) continue;
        sums[h].low += scores[h][i] * value.low;
        sums[h].high += scores[h][i] * value.high;
      }
    }
  }

  // All quads of the SIMD-group become one.
  void merge_quads() thread {
    for (ushort distance = LANES; distance < 32; distance <<= 1) {
      const float4 most = max(maxima, simd_shuffle_xor(maxima, distance)), factors = fast::exp2(maxima - most);
      maxima = most;
      exponents *= factors;
      exponents += simd_shuffle_xor(exponents, distance);
      UNROLL for (uint h = 0; h < 4; h++) {
        if (h >= HEADS) continue;
        sums[h].low *= factors[h];
        sums[h].high *= factors[h];
        sums[h].low += simd_shuffle_xor(sums[h].low, distance);
        sums[h].high += simd_shuffle_xor(sums[h].high, distance);
      }
    }
  }
};

inline void attend_share(thread Seen& seen, Cache cache, Share share, uint position, Memory memory, uint t) {
  const uint part = t % LANES, first_head = t / 32 % SUBSETS * HEADS;
  const uint first = (t / 32 / SUBSETS * QUADS + t % 32 / LANES) * 4, end = part < PARTS ? share.end : 0;
  Eight queries[4];
  UNROLL for (uint h = 0; h < 4; h++) {
    const uint at = ((first_head + h) * PARTS + part) * 2;
    const bool live = h < HEADS && part < PARTS && first_head + h < group;
    queries[h].low = live ? memory.numbers[at] : float4(0);
    queries[h].high = live ? memory.numbers[at + 1] : float4(0);
    seen.sums[h] = {float4(0), float4(0)};
  }
  seen.maxima = float4(LEAST);
  seen.exponents = float4(0);
  for (uint base = share.begin; base < share.end; base += ROUND) {
    const uint token = base + first, at = token < end ? cache.pages.at(token, part) : 0;
    uint4 keys[4], values[4];
    bool live[4];
    UNROLL for (uint i = 0; i < 4; i++) {
      live[i] = token + i >= share.start && token + i < end;  // what was never written may be no number
      const bool is_new = fused == 1 && token + i == position;
      keys[i] = values[i] = uint4(0);
      if (live[i] && is_new) {
        keys[i] = memory.fresh[part];
        values[i] = memory.fresh[32 + part];
      } else if (live[i]) {
        keys[i] = cache.keys[at + i * PARTS];
        values[i] = cache.values[at + i * PARTS];
      }
    }
    float4 scores[4];
    UNROLL for (uint i = 0; i < 4; i++) {
      const Eight key = halves_of(keys[i]);
      UNROLL for (uint h = 0; h < 4; h++) {
        if (h < HEADS) scores[h][i] = dot(queries[h].low, key.low) + dot(queries[h].high, key.high);
      }
    }
    UNROLL for (uint h = 0; h < 4; h++) {
      if (h >= HEADS) continue;
      const float4 sums = lanes_sums(scores[h]);
      UNROLL for (uint i = 0; i < 4; i++) scores[h][i] = live[i] ? sums[i] : LEAST;
    }
    seen.add(scores, values);
  }
  seen.merge_quads();
}
