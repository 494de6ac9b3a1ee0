// rounded = what the latent's int8 code stands for. backward: the gradient through the scaling to length 1 instead.
// One threadgroup: 8 rows, a SIMD-group each.
#include "contracts/codec_quantize.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void codec_quantize(device const float* latent [[buffer(0)]],
                                                                      device const float* gradient [[buffer(1)]],
                                                                      device float* rounded [[buffer(2)]],
                                                                      constant Params& params [[buffer(3)]],
                                                                      uint3 position [[thread_position_in_grid]],
                                                                      uint3 grid [[threads_per_grid]],
                                                                      uint lane [[thread_index_in_simdgroup]]) {
  const uint row = linear_index(position, grid) / 32;
  if (row >= params.rows) return;
  const uint begin = row * params.latent_dimensions, end = begin + params.latent_dimensions;
  float largest = 0, squares = 0, product = 0;
  for (uint i = begin + lane; i < end; i += 32) {
    const float z = latent[i];
    largest = max(largest, abs(z));
    squares += z * z;
    if (backward == 1) product += z * gradient[i];
  }
  largest = simd_max(largest);
  squares = simd_sum(squares);
  product = simd_sum(product);
  const float size = ::normalize == 1 && squares > 0 ? sqrt(squares) : 1;
  for (uint i = begin + lane; i < end; i += 32) {
    const float z = latent[i];
    if (backward == 1) {
      rounded[i] = squares > 0 ? (gradient[i] - z * (product / squares)) / size : 0;
    } else {
      const float code = largest > 0 ? floor(z / largest * 127 + 0.5f) : 0;
      rounded[i] = code * (largest / 127 / size);
    }
  }
}
