// Parts of attend_rows.metal: merging what SIMD-groups, and then shares, have seen.

// Totals of heads from `count` tops each, whose maxima become factors.
inline void add_tops(uint count, Memory memory, uint t) {
  if (t >= group) return;
  float2 total = float2(LEAST, 0);
  for (uint i = t; i < count * group; i += group) total.x = max(total.x, memory.tops[i].x);
  for (uint i = t; i < count * group; i += group) {
    const float factor = fast::exp2(memory.tops[i].x - total.x);
    total.y += memory.tops[i].y * factor;
    memory.tops[i].x = factor;
  }
  memory.totals[t] = total;
}

// The slots' sums become numbers of the share, not yet divided by the totals.
inline void merge_slots(thread Seen& seen, uint tokens, Memory memory, uint t) {
  const uint slot = t / 32 / SUBSETS, first_head = t / 32 % SUBSETS * HEADS, part = t % 32;
  const uint slots = min(SLOTS, (tokens + QUADS * 4 - 1) / (QUADS * 4));  // the others have seen nothing
  UNROLL for (uint h = 0; h < 4; h++) {
    if (h < HEADS && first_head + h < group && t % 32 == 0)
      memory.tops[slot * group + first_head + h] = float2(seen.maxima[h], seen.exponents[h]);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  add_tops(slots, memory, t);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint s = 0; s < slots; s++) {
    UNROLL for (uint h = 0; h < 4; h++) {
      const uint head = first_head + h, at = (head * PARTS + part) * 2;
      if (s != slot || part >= PARTS || h >= HEADS || head >= group) continue;
      const float factor = memory.tops[s * group + head].x;
      memory.numbers[at] = seen.sums[h].low * factor + (s == 0 ? float4(0) : memory.numbers[at]);
      memory.numbers[at + 1] = seen.sums[h].high * factor + (s == 0 ? float4(0) : memory.numbers[at + 1]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
}

// Sums of shares in device memory: atomic, since plain writes of other threadgroups need not be seen.
struct Partials {
  device atomic_float* all;  // of the row and kv head: [share][COLUMNS numbers, then (maximum, sum) of each head]

  float load(uint share, uint i) const thread {
    return atomic_load_explicit(&all[share * (COLUMNS + 2 * group) + i], memory_order_relaxed);
  }
  void store(uint share, uint i, float value) const thread {
    atomic_store_explicit(&all[share * (COLUMNS + 2 * group) + i], value, memory_order_relaxed);
  }
};

// What threadgroups did before it is seen by those that read the counter after it. Before Metal 3.2 there is no such
// fence: that relaxed operations keep their order is then a habit of the hardware.
inline void fence_device() {
#if __METAL_VERSION__ >= 320
  atomic_thread_fence(mem_flags::mem_device, memory_order_seq_cst, thread_scope_device);
#endif
}

inline void leave_share(Partials partials, uint share, Memory memory, uint t) {
  threadgroup const float* numbers = (threadgroup const float*)memory.numbers;
  for (uint i = t; i < COLUMNS; i += 256) partials.store(share, i, numbers[i]);
  if (t >= group) return;
  partials.store(share, COLUMNS + 2 * t, memory.totals[t].x);
  partials.store(share, COLUMNS + 2 * t + 1, memory.totals[t].y);
}

// All shares into numbers and totals.
inline void merge_shares(Partials partials, uint shares, Memory memory, uint t) {
  threadgroup float* numbers = (threadgroup float*)memory.numbers;
  for (uint i = t; i < shares * group; i += 256) {
    const uint at = COLUMNS + 2 * (i % group);
    memory.tops[i] = float2(partials.load(i / group, at), partials.load(i / group, at + 1));
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  add_tops(shares, memory, t);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint i = t; i < COLUMNS; i += 256) {
    float sum = 0;
    for (uint first = 0; first < shares; first += 8) {
      float parts[8];  // all under way at once
      UNROLL for (uint k = 0; k < 8; k++) parts[k] = partials.load(min(first + k, shares - 1), i);
      UNROLL for (uint k = 0; k < 8; k++) {
        if (first + k < shares) sum += parts[k] * memory.tops[(first + k) * group + i / head_size].x;
      }
    }
    numbers[i] = sum;
  }
}
