// Codes of new keys: each sub-vector's nearest codeword, ties to the lower one; augmented sub-vectors have one more
// dimension, sqrt(limit - |x|^2). A workgroup does the four keys of one word of one subspace.
#include "contracts/encode_keys.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

uint32_t find_nearest(const float* key, const float* codebook, const contract::encode_keys::Params& params) {
  float best = INFINITE;
  uint32_t nearest = 0;
  for (uint32_t k = 0; k < 1u << params.bits; k++) {
    const float* codeword = codebook + word_of(k, 0, params.chunks);
    Quad sum{};
    for (uint32_t c = 0; c < params.subspace_chunks; c++) {
      const Quad difference = load<Quad>(codeword + c * CHUNK_STRIDE) - load<Quad>(key + c * 4);
      sum += difference * difference;
    }
    const float distance = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    if (distance < best) best = distance, nearest = k;
  }
  return nearest;
}

}  // namespace

void encode_keys(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::encode_keys;
  const auto& params = dispatch.params<contract::encode_keys::Params>();
  const bool augmented = dispatch.constants<Constants>().augmented == 1;
  const uint32_t last = dispatch.buffer<uint32_t>(Binding::state)[0], first = last - params.count;
  const uint32_t subspaces = params.dimensions / params.subdimensions, padded = params.subspace_chunks * 4;
  float* key = scratch<float>(padded);
  std::memset(key, 0, padded * 4);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t p = group.y;
    const float* codebook =
        dispatch.buffer<float>(Binding::codebooks) + size_t{p} * params.subspace_chunks * CHUNK_STRIDE;
    const float* keys = dispatch.buffer<float>(Binding::keys) + p % subspaces * params.subdimensions +
                        size_t{params.first_kv + p / subspaces} * params.count * params.dimensions;
    uint8_t* codes = dispatch.buffer<uint8_t>(Binding::codes) + size_t{p} * params.words * 4;
    for (uint32_t word = first / 4 + group.x; word * 4 < last; word += dispatch.grid[0]) {
      for (uint32_t at = word * 4 < first ? first : word * 4; at < last && at < word * 4 + 4; at++) {
        std::memcpy(key, keys + size_t{at - first} * params.dimensions, params.subdimensions * 4);
        if (augmented) {
          float extra = dispatch.buffer<float>(Binding::limits)[p];
          for (uint32_t j = 0; j < params.subdimensions; j++) extra -= key[j] * key[j];
          key[params.subdimensions] = extra > 0 ? __builtin_sqrtf(extra) : 0;
        }
        codes[at] = static_cast<uint8_t>(find_nearest(key, codebook, params));
      }
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
