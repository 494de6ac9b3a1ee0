// vectors[row, d] = component of the codeword that the row has in the subspace of dimension d.
// One thread makes one component.
#include "contracts/decode_codes.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void decode_codes(device const uint* codes [[buffer(0)]],
                                                                    device const float* codebooks [[buffer(1)]],
                                                                    device float* vectors [[buffer(2)]],
                                                                    constant Params& params [[buffer(3)]],
                                                                    uint3 position [[thread_position_in_grid]],
                                                                    uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid);
  if (i >= params.rows * params.dimensions) return;
  const uint row = i / params.dimensions, dimension = i % params.dimensions;
  const uint m = dimension / params.subdimensions, within = dimension % params.subdimensions;
  const uint codes_per_word = 32 / bits;
  const uint word = codes[row * params.words + m / codes_per_word];
  const uint codeword = extract_bits(word, m % codes_per_word * bits, bits);
  const uint chunk = m * ((params.subdimensions + 3) / 4) + within / 4;
  vectors[i] = codebooks[packed_index(codeword, params.chunks, chunk) * 4 + within % 4];
}
