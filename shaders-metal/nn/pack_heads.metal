// Head-major keys [heads, keys, dimensions] to packed rows, a row of all heads' sub-vectors for each key from `first`
// on. One thread moves one chunk; pads are zero. first_invalid: the first head * keys + key that is not finite.
#include "contracts/pack_heads.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void pack_heads(device const float* source [[buffer(0)]],
                                                                  device float4* packed [[buffer(1)]],
                                                                  device atomic_uint* first_invalid [[buffer(2)]],
                                                                  constant Params& params [[buffer(3)]],
                                                                  uint3 position [[thread_position_in_grid]],
                                                                  uint3 threads [[threads_per_grid]]) {
  const uint i = linear_index(position, threads), chunks = params.chunks, subdimensions = params.subdimensions;
  if (i >= params.padded_rows * chunks) return;
  const uint row = i / (32 * chunks) * 32 + i % 32, chunk = i / 32 % chunks;
  const uint p = chunk / params.subspace_chunks, within = chunk % params.subspace_chunks * 4;
  const uint subspaces = params.dimensions / subdimensions;
  const uint key = (params.first_head + p / subspaces) * params.keys + params.first + row;
  float4 value = float4(0);
  if (row < params.rows) {
    const uint begin = key * params.dimensions + p % subspaces * subdimensions + within;
    for (uint j = 0; j < 4 && within + j < subdimensions; j++) value[j] = source[begin + j];
    // Squares have to be finite as well.
    const float norm = dot(value, value);
    if (!isfinite(norm)) atomic_fetch_min_explicit(&first_invalid[0], key, memory_order_relaxed);
  }
  packed[i] = value;
}
