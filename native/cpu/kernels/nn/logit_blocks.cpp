// Of each block of 512 logits: the key of the largest, the token with the best score, that score's key, the sum of
// weights relative to the block's largest logit. penalised: logits of tokens that were there before are changed in
// place.
#include "contracts/logit_blocks.hpp"

#include "cpu/kernels/common/sampling.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

// Bit 31 of a count: in the prompt; the others: how often it was generated.
void penalise(const Sampler& sampler, const uint32_t* counts, float* logits, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (counts[i] == 0) continue;
    float value = rounded(logits[i] * (logits[i] > 0 ? sampler.inverse_repetition : sampler.repetition));
    const uint32_t generated = counts[i] & 0x7FFFFFFFu;
    if (generated > 0) {
      value = rounded(value - sampler.presence);
      value -= rounded(sampler.frequency * static_cast<float>(generated));
    }
    logits[i] = value;
  }
}

// Whole vectors of finite logits and their ids; what is not finite or past the end is the lowest number.
struct Block {
  float logits[LOGIT_BLOCK];
  uint32_t count, first;
};

constexpr float LOWEST = -3.402823466e38f;

uint32_t fill_block(const float* logits, Block& block) {
  std::memcpy(block.logits, logits, block.count * sizeof(float));
  uint32_t largest = 0;
  for (uint32_t i = 0; i < LOGIT_BLOCK; i++) {
    if (i >= block.count) block.logits[i] = -INFINITE;
    uint32_t bits;
    std::memcpy(&bits, &block.logits[i], 4);
    const bool finite = (bits & 0x7F800000u) != 0x7F800000u;
    if (!finite) block.logits[i] = -INFINITE;
    const uint32_t key = bits == 0x80000000u ? bits : bits ^ (bits >> 31 ? 0xFFFFFFFFu : 0x80000000u);
    if (finite && key > largest) largest = key;
  }
  return largest;
}

void find_best(const Sampler& sampler, const Block& block, Winner& winner) {
  Words best{}, best_ids{}, ids;
  for (int i = 0; i < LANES; i++) ids[i] = block.first + uint32_t(i);
  for (uint32_t i = 0; i < LOGIT_BLOCK; i += LANES, ids += LANES) {
    const Floats logits = load<Floats>(block.logits + i);
    const Words keys = logits >= LOWEST ? score_keys(sampler, logits, ids) : Words{};
    best_ids = keys > best ? ids : best_ids;
    best = keys > best ? keys : best;
  }
  for (int i = 0; i < LANES; i++) {
    if (best[i] < winner.score || (best[i] == winner.score && best_ids[i] >= winner.id)) continue;
    if (best[i] == 0) continue;
    winner.score = best[i];
    winner.id = best_ids[i];
  }
}

uint32_t sum_weights(const Sampler& sampler, const Block& block, float largest) {
  Words sums{};
  for (uint32_t i = 0; i < LOGIT_BLOCK; i += LANES)
    sums += (weights_of(sampler, broadcast(largest), load<Floats>(block.logits + i)) + 256) >> 9;
  uint32_t sum = 0;
  for (int i = 0; i < LANES; i++) sum += sums[i];
  return sum;
}

}  // namespace

void logit_blocks(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::logit_blocks;
  const Params& params = dispatch.params<Params>();
  const uint32_t* sampling = dispatch.buffer<uint32_t>(Binding::sampling);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const Step step = dispatch.buffer<Step>(Binding::steps)[params.first_step + group.y];
    if (step.live != SAMPLE) continue;
    const Sampler sampler = sampler_of(sampling, step.slot);
    Block block;
    block.first = group.x * LOGIT_BLOCK;
    block.count = minimum(LOGIT_BLOCK, params.vocabulary - block.first);
    float* logits = dispatch.buffer<float>(Binding::logits) + size_t{group.y} * params.stride + block.first;
    if (params.penalised != 0 && (sampler.flags & PENALISED) != 0) {
      const uint32_t* counts = dispatch.buffer<uint32_t>(Binding::counts);
      penalise(sampler, counts + size_t{step.slot} * params.vocabulary + block.first, logits, block.count);
    }
    Winner winner = {fill_block(logits, block), NO_TOKEN, 0, 0};
    Sampler scorer = sampler;
    if ((sampler.flags & TRUNCATED) != 0) scorer.scale = 0;  // sample_rows draws
    find_best(scorer, block, winner);
    const bool summed = (sampler.flags & TRUNCATED) != 0 && sampler.top_k == 0 && sampler.top_p < 1;
    if (summed && winner.key != 0) winner.mass = sum_weights(sampler, block, logit_of_key(winner.key));
    dispatch.buffer<Winner>(Binding::winners)[size_t{group.y} * dispatch.grid[0] + group.x] = winner;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
