// Code rows and their scales into the slots of one storage segment: a row's words, then its scale, then zeros.
// One thread a word. normalize: the scale that gives the decoded latent length 1 takes the place of its own.
#include "contracts/pack_latents.h"

#include "common/index.h"

inline float unit_scale(device const uint* codes, uint words) {
  int squares = 0;
  for (uint w = 0; w < words; w++) {
    const int4 code = int4(as_type<char4>(codes[w])), square = code * code;
    squares += square.x + square.y + square.z + square.w;
  }
  return squares > 0 ? 1 / sqrt(float(squares)) : 0;
}

[[max_total_threads_per_threadgroup(256)]] kernel void pack_latents(
    device const uint* codes [[buffer(0)]], device const float* scales [[buffer(1)]],
    device const uint* slots [[buffer(2)]], device uint* storage [[buffer(3)]], constant Params& params [[buffer(4)]],
    uint3 position [[thread_position_in_grid]], uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid), row = i % params.rows, word = i / params.rows, words = params.words;
  if (word >= params.chunks * 4) return;
  const uint slot = slots[row] - params.first_slot;
  if (slot >= params.slot_count) return;
  uint value = 0;
  if (word < words)
    value = codes[row * words + word];
  else if (word == words)
    value = as_type<uint>(::normalize == 1 ? unit_scale(codes + row * words, words) : scales[row]);
  storage[packed_index(slot, params.chunks, word / 4) * 4 + word % 4] = value;
}
