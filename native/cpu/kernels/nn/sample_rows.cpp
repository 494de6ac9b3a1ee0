// chosen[row] = a token drawn after temperature, top-k, top-p and min-p, or the best one; it becomes the token of the
// row's next step. Candidates are 64-bit words that ascend from the best token: ~key in the high half, the id in the
// low one.
#include "contracts/sample_rows.hpp"

#include "cpu/kernels/common/sampling.hpp"
#include "cpu/kernels/common/selection.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::sample_rows::Params;

struct Row {
  Sampler sampler;
  const float* logits;
  const Winner* winners;
  uint32_t blocks, vocabulary;
  Winner best;  // the largest key of all blocks, and the best score
};

struct Candidates {
  uint64_t* words;
  size_t count;
};

uint64_t candidate_of(uint32_t key, uint32_t id) { return uint64_t{~key} << 32 | id; }
float logit_of_candidate(uint64_t word) { return logit_of_key(~static_cast<uint32_t>(word >> 32)); }

Winner best_of_blocks(const Winner* winners, uint32_t blocks) {
  Winner best = {0, NO_TOKEN, 0, 0};
  for (uint32_t b = 0; b < blocks; b++) {
    if (winners[b].key > best.key) best.key = winners[b].key;
    if (winners[b].score <= best.score) continue;
    best.score = winners[b].score;
    best.id = winners[b].id;
  }
  return best;
}

// All that are not below the key.
size_t gather(const Row& row, uint32_t lowest, uint64_t* words) {
  size_t count = 0;
  for (uint32_t b = 0; b < row.blocks; b++) {
    if (row.winners[b].key < lowest) continue;
    const uint32_t end = minimum(row.vocabulary, (b + 1) * LOGIT_BLOCK);
    for (uint32_t id = b * LOGIT_BLOCK; id < end; id++) {
      const uint32_t key = key_of_logit(row.logits[id]);
      words[count] = candidate_of(key, id);
      count += key >= lowest;
    }
  }
  return count;
}

// A key that no token of the k best is below.
uint32_t bound_by_blocks(const Row& row, uint32_t k, uint64_t* words) {
  if (k > row.blocks) return 1;
  for (uint32_t b = 0; b < row.blocks; b++) words[b] = candidate_of(row.winners[b].key, b);
  select_keys(words, row.blocks, k);
  const uint32_t key = ~static_cast<uint32_t>(words[k - 1] >> 32);
  return key > 1 ? key : 1;
}

// wide<T>(index) for LANES candidates from `first` on; those past the end repeat the last.
template <class Vector, class Value>
Vector lanes_of(const Candidates& candidates, size_t first, Value&& value) {
  Vector vector;
  for (int i = 0; i < LANES; i++) {
    const size_t at = first + size_t(i) < candidates.count ? first + size_t(i) : candidates.count - 1;
    vector[i] = value(candidates.words[at]);
  }
  return vector;
}

// How many of the best, in order, a sum of weights of `want` takes; all where they do not get there.
uint64_t sum_weights(const Row& row, const Candidates& candidates, uint64_t want, size_t& taken) {
  const Floats largest = broadcast(logit_of_key(row.best.key));
  uint64_t sum = 0;
  for (taken = 0; taken < candidates.count;) {
    const Words weights = weights_of(row.sampler, largest, lanes_of<Floats>(candidates, taken, logit_of_candidate));
    for (int i = 0; i < LANES && taken < candidates.count; i++) {
      sum += weights[i];
      taken++;
      if (sum >= want) return sum;
    }
  }
  return sum;
}

uint64_t row_mass(const Row& row) {
  const float largest = logit_of_key(row.best.key);
  uint64_t sum = 0;
  for (uint32_t b = 0; b < row.blocks; b++) {
    const Winner& winner = row.winners[b];
    if (winner.key == 0) continue;
    sum += uint64_t{winner.mass} * weight_of(row.sampler, largest, logit_of_key(winner.key)) >> 22;
  }
  return sum;
}

uint64_t share_of(float share, uint64_t whole) {
  const auto part = static_cast<uint64_t>(share * 4294967296.0f);
  const uint64_t lowest = (whole & 0xFFFFFFFF) * part;
  const uint64_t product = (whole >> 32) * part + (lowest >> 32);
  return product + ((lowest & 0xFFFFFFFF) != 0 || product == 0);
}

// Keeps the smallest set of the best whose weights reach the share.
void keep_share(const Row& row, bool all, Candidates& candidates) {
  size_t taken;
  const uint64_t whole = all ? row_mass(row) : sum_weights(row, candidates, UINT64_MAX, taken);
  const uint64_t want = share_of(row.sampler.top_p, whole);
  // Most often a few are enough: only these are sorted.
  for (size_t sorted = 64;; sorted *= 4) {
    const bool last = sorted >= candidates.count;
    const Candidates part = {candidates.words, last ? candidates.count : sorted};
    if (!last) select_keys(part.words, candidates.count, part.count);
    sort_keys(part.words, part.count);
    if (sum_weights(row, part, want, taken) < want && !last) continue;
    candidates.count = taken;
    return;
  }
}

uint32_t best_candidate(const Row& row, const Candidates& candidates, uint32_t lowest) {
  Winner best = {0, NO_TOKEN, 0, 0};
  for (size_t first = 0; first < candidates.count; first += LANES) {
    const Floats logits = lanes_of<Floats>(candidates, first, logit_of_candidate);
    const Words ids = lanes_of<Words>(candidates, first, index_of);
    const Words keys = score_keys(row.sampler, logits, ids);
    for (int i = 0; i < LANES; i++) {
      if (key_of_logit(logits[i]) < lowest) continue;
      if (keys[i] < best.score || (keys[i] == best.score && ids[i] >= best.id)) continue;
      best.score = keys[i];
      best.id = ids[i];
    }
  }
  return best.id;
}

uint32_t draw(const Row& row) {
  const Sampler& sampler = row.sampler;
  const bool all = sampler.top_k == 0;
  const float largest = logit_of_key(row.best.key);
  const uint32_t floor_key = key_of_logit(largest - sampler.drop), useless = key_of_logit(largest - sampler.tail);
  Candidates candidates = {scratch<uint64_t>(row.vocabulary + 1), 0};
  uint32_t lowest = all ? 1 : bound_by_blocks(row, sampler.top_k, candidates.words);
  if (all && sampler.top_p < 1 && useless > lowest) lowest = useless;
  if ((all || sampler.top_p == 1) && floor_key > lowest) lowest = floor_key;
  candidates.count = gather(row, lowest, candidates.words);
  if (!all && candidates.count > sampler.top_k) {
    select_keys(candidates.words, candidates.count, sampler.top_k);
    candidates.count = sampler.top_k;
  }
  if (sampler.top_p < 1) keep_share(row, all, candidates);
  return best_candidate(row, candidates, floor_key);
}

}  // namespace

void sample_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::sample_rows;
  const Params& params = dispatch.params<Params>();
  const uint32_t blocks = (params.vocabulary + LOGIT_BLOCK - 1) / LOGIT_BLOCK;
  uint32_t* sampling = dispatch.buffer<uint32_t>(Binding::sampling);
  for (uint32_t w = begin; w < end; w++) {
    Step& step = dispatch.buffer<Step>(Binding::steps)[params.first_step + w];
    if (step.live != SAMPLE) continue;
    const Winner* winners = dispatch.buffer<Winner>(Binding::winners) + size_t{w} * blocks;
    const float* logits = dispatch.buffer<float>(Binding::logits) + size_t{w} * params.stride;
    const Winner best = best_of_blocks(winners, blocks);
    const Row row = {sampler_of(sampling, step.slot), logits, winners, blocks, params.vocabulary, best};
    uint32_t token = best.id;
    if (token != NO_TOKEN && (row.sampler.flags & TRUNCATED) != 0) token = draw(row);
    dispatch.buffer<uint32_t>(Binding::chosen)[w] = token;
    if (token == NO_TOKEN) continue;
    step.token = token;
    step.position++;
    sampling[size_t{step.slot} * STATE_WORDS + 11]++;
    if (params.penalised == 0 || (row.sampler.flags & PENALISED) == 0) continue;
    dispatch.buffer<uint32_t>(Binding::counts)[size_t{step.slot} * params.vocabulary + token]++;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
