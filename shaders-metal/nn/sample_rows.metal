// chosen[row] = a token drawn after temperature, top-k, top-p and min-p, or the best one; NONE where no logit is
// finite. It becomes the token of the row's next step, and its slot's counter and counts go up. Reads what
// logit_blocks wrote. One threadgroup does one row.
#include "contracts/sample_rows.h"

#include "common/candidate_bound.h"

// The best token, and the largest key in `row.best`.
inline uint best_of_blocks(thread Candidates& row) {
  uint key = 0;
  ulong best = 0;  // a score above ~id
  for (uint b = row.t; b < row.blocks; b += THREADS) {
    const uint4 winner = row.winners[b];
    key = max(key, winner.x);
    const ulong token = token_of(winner.z, winner.y);
    if (winner.z > 0 && token > best) best = token;
  }
  row.best = uint(row.largest(key));
  return id_in(row.largest(best));
}

// The sum of the candidates' weights, or of all tokens' from the blocks' sums.
inline ulong total_mass(thread const Candidates& row, bool all) {
  ulong own = 0, total;
  for (uint n = row.t; n < (all ? row.blocks : row.size); n += THREADS) {
    const uint4 winner = all ? row.winners[n] : uint4(0);
    const ulong token = all ? 0 : row.token(n);
    if (winner.x != 0) own += ulong(winner.w) * row.measure(winner.x) >> 22;
    if (token >= row.bound) own += row.measure(key_in(token));
  }
  row.prefix_sum(own, total);
  return total;
}

// The least integer not below share * whole, and 1 at least.
inline ulong share_of(float share, ulong whole) {
  const ulong part = ulong(uint(share * 4294967296.0)), lowest = (whole & NONE) * part;
  const ulong product = (whole >> 32) * part + (lowest >> 32);
  return product + ((lowest & NONE) != 0 || product == 0 ? 1 : 0);
}

inline uint draw(thread Candidates& row) {
  const uint k = row.sampler.top_k;
  const float largest = logit_of(row.best), top_p = row.sampler.top_p;
  const ulong floor = token_of(key_of(largest - row.sampler.drop), NONE);
  const ulong useless = token_of(key_of(largest - row.sampler.tail), NONE);
  // No token below the k-th largest of the blocks' maxima is among the k best.
  if (k > 0 && k <= row.blocks) {
    row.list_maxima();
    raise(row, k);
    row.bound = token_of(key_in(row.bound), NONE);
  }
  if (k == 0 && top_p < 1) row.raise_bound(useless);
  if (k == 0 || top_p == 1) row.raise_bound(floor);
  row.select_blocks();
  row.gather();
  if (k > 0) raise(row, k);
  if (top_p < 1) {
    row.by_mass = true;
    raise(row, share_of(top_p, total_mass(row, k == 0)));
  }
  row.raise_bound(floor);
  ulong best = 0;  // a score above ~id
  for (uint n = row.t; n < row.size; n += THREADS) {
    const ulong token = row.token(n);
    if (token < row.bound) continue;
    const float score = score_of(row.sampler, logit_of(key_in(token)), id_in(token));
    const ulong own = token_of(key_of(clamp(score, -3.4e38f, 3.4e38f)), id_in(token));
    if (own > best) best = own;
  }
  return id_in(row.largest(best));
}

[[max_total_threads_per_threadgroup(512)]] kernel void sample_rows(
    device const float* logits [[buffer(0)]], device const uint4* winners [[buffer(1)]],
    device uint4* steps [[buffer(2)]], device uint* sampling [[buffer(3)]], device uint* counts [[buffer(4)]],
    device uint* chosen [[buffer(5)]], constant Params& params [[buffer(6)]],
    uint row_index [[threadgroup_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup CandidateMemory memory;
  const uint place = params.first_step + row_index;
  const uint4 step = steps[place];
  if (step.w != SAMPLE) return;
  const uint blocks = (params.vocabulary + LOGIT_BLOCK - 1) / LOGIT_BLOCK;
  device uint* state = sampling + step.z * STATE_WORDS;
  Candidates row = {logits + row_index * params.stride,
                    winners + row_index * blocks,
                    blocks,
                    params.vocabulary,
                    t,
                    &memory,
                    sampler_of(state)};
  const uint flags = row.sampler.flags;
  uint token = best_of_blocks(row);
  if (token != NONE && (flags & TRUNCATED) != 0) token = draw(row);
  threadgroup_barrier(mem_flags::mem_device);  // all have read the step and the state
  if (t != 0) return;
  chosen[row_index] = token;
  if (token == NONE) return;
  steps[place] = uint4(token, step.y + 1, step.zw);
  state[11]++;
  if (params.penalised != 0 && (flags & PENALISED) != 0) counts[step.z * params.vocabulary + token]++;
}
