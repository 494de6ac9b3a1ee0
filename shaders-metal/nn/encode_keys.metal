// code[p, key] = arg min over codewords of |x - codeword|^2, x the key's sub-vector (augmented: and sqrt(limit -
// |x|^2)). One threadgroup encodes the four keys of one word of one subspace p of a KV head; ties go to the lower
// codeword.
#include "contracts/encode_keys.h"

#include "common/index.h"
#include "common/unroll.h"

constexpr constant uint KEPT = 16;  // chunks of a thread's codeword that stay in registers

// Sub-vectors of the four keys from `position` on, or of those that are in `live`, zero-padded to whole chunks.
inline void load_keys(device const float* source, constant Params& params, uint position, uint2 live,
                      threadgroup float* keys, uint t) {
  const uint padded = params.subspace_chunks * 4;
  for (uint i = t; i < 4 * padded; i += 256) {
    const uint key = position + i / padded, j = i % padded;
    const bool is_live = key >= live.x && key < live.y && j < params.subdimensions;
    keys[i] = is_live ? source[(key - live.x) * params.dimensions + j] : 0;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

// SIMD-group k appends its dimension to key k.
inline void augment_keys(float limit, constant Params& params, threadgroup float* keys, uint t) {
  if (t < 128) {
    threadgroup float* key = keys + t / 32 * params.subspace_chunks * 4;
    float norm = 0;
    for (uint j = t % 32; j < params.subdimensions; j += 32) norm += key[j] * key[j];
    norm = simd_sum(norm);
    if (t % 32 == 0) key[params.subdimensions] = sqrt(max(limit - norm, 0.0f));
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

inline float squared_distance(thread const float4* kept, device const float4* codeword, threadgroup const float4* key,
                              uint chunks) {
  float sum = 0;
  UNROLL for (uint c = 0; c < KEPT; c++) {
    if (c >= chunks) break;
    const float4 difference = kept[c] - key[c];
    sum += dot(difference, difference);
  }
  for (uint c = KEPT; c < chunks; c++) {
    const float4 difference = codeword[c * 32] - key[c];
    sum += dot(difference, difference);
  }
  return sum;
}

// The least of `lanes` neighbouring threads' (bits of a distance, codeword).
inline uint2 nearest_of(uint2 own, ushort lanes) {
  for (ushort distance = lanes / 2; distance > 0; distance /= 2) {
    const uint2 other = simd_shuffle_xor(own, distance);
    if (other.x < own.x || (other.x == own.x && other.y < own.y)) own = other;
  }
  return own;
}

[[max_total_threads_per_threadgroup(256)]] kernel void encode_keys(
    device const float* keys [[buffer(0)]], device const float4* codebooks [[buffer(1)]],
    device const float* limits [[buffer(2)]], device const uint* state [[buffer(3)]], device uint* codes [[buffer(4)]],
    constant Params& params [[buffer(5)]], uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 key_chunks[1024];
  threadgroup uint2 nearest[32];  // of each key the parts of the codebook, 32 codewords each
  threadgroup float* key_words = (threadgroup float*)key_chunks;
  const uint codewords = 1u << params.bits, codeword = t % codewords, slot = t / codewords;
  const uint slots = min(256 / codewords, 4u), lanes = min(codewords, 32u), chunks = params.subspace_chunks;
  const uint p = group.y, subspaces = params.dimensions / params.subdimensions;
  device const float4* own_codeword = codebooks + packed_index(codeword, params.chunks, p * chunks);
  float4 kept[KEPT];
  UNROLL for (uint c = 0; c < KEPT; c++) kept[c] = own_codeword[min(c, chunks - 1) * 32];
  const uint last = state[0], first = last - params.count;
  device const float* source = keys + (params.first_kv + p / subspaces) * params.count * params.dimensions +
                               p % subspaces * params.subdimensions;
  for (uint word = first / 4 + group.x; word * 4 < last; word += groups.x) {
    load_keys(source, params, word * 4, uint2(first, last), key_words, t);
    if (augmented != 0) augment_keys(limits[p], params, key_words, t);
    for (uint base = 0; base < 4; base += slots) {
      const uint key = base + slot, position = word * 4 + key;
      float own = INFINITY;
      if (slot < slots && position >= first && position < last)
        own = squared_distance(kept, own_codeword, key_chunks + key * chunks, chunks);
      const uint2 least = nearest_of(uint2(as_type<uint>(own), codeword), lanes);
      if (slot < slots && codeword % lanes == 0) nearest[key * 8 + codeword / 32] = least;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t >= 32) continue;
    const uint position = word * 4 + t / 8;
    const uint2 least = nearest_of(t % 8 * 32 < codewords ? nearest[t] : uint2(NONE), 8);
    const bool live = t % 8 == 0 && position >= first && position < last;
    const uint code = simd_or(live ? least.y << t : 0), mask = simd_or(live ? 255u << t : 0);
    if (t == 0) codes[p * params.words + word] = (codes[p * params.words + word] & ~mask) | code;
  }
}
