// Parts of attend_rows.comp. LANES threads are a worker: it has up to four query heads (one of SUBSETS) of the group and goes
// over every SLOTS-th quad of positions, with maxima and sums of its own, which are merged at the end.
const uint WORKERS = 256 / LANES;
const uint SUBSETS = (group + 3) / 4, HEADS = (group + SUBSETS - 1) / SUBSETS, SLOTS = WORKERS / SUBSETS;
const uint COLUMNS = group * head_size;
const float LEAST = -1e30;  // finite, so that differences of it are numbers

shared float numbers[COLUMNS];  // queries, later results
shared float memory[2048];
shared vec2 totals[64];  // (maximum, sum) of a head
shared uvec4 fresh_key[32], fresh_value[32];
shared uint is_last;

Eight sums[4];
float maxima[4], exponents[4];

uint page_chunk(uvec4 step, uint token) {
  const uint page = pages[step.z * page_stride + token / 32];
  return ((page * gl_NumWorkGroups.x + gl_WorkGroupID.x) * 32 + token % 32) * PARTS;
}

// Queries into numbers, times scale; the share with the new token keeps its key and value.
void prepare(uint row, uvec4 step) {
  const uint t = gl_LocalInvocationIndex, part = t % LANES, kv = gl_WorkGroupID.x;
  const float factor = scale * 1.4426950408889634;  // exponents are of 2
  if (fused == 0) {
    for (uint i = t; i < COLUMNS; i += 256) numbers[i] = projected[row * stride + kv * COLUMNS + i] * factor;
    barrier();
    return;
  }
  const bool is_owner = gl_WorkGroupID.y == gl_NumWorkGroups.y - 1;
  for (uint first = 0; first <= group; first += WORKERS) {
    const uint item = first + t / LANES;
    const bool is_key = item == group;
    const uint from = row * stride + (is_key ? k_offset + kv * head_size : (kv * group + item) * head_size);
    const bool live = part < PARTS && (item < group || (is_key && is_owner));
    const Eight x = rotated_part(live, from, part, step.y, is_key);
    if (live && is_key) {
      fresh_key[part] = halves_from(x);
      keys[page_chunk(step, step.y) + part] = fresh_key[part];
    } else if (live) {
      for (uint i = 0; i < 4; i++) {
        numbers[item * head_size + part * 8 + i] = x.low[i] * factor;
        numbers[item * head_size + part * 8 + 4 + i] = x.high[i] * factor;
      }
    }
  }
  if (is_owner && t < PARTS) {
    fresh_value[t] = halves_from(projected_part(row * stride + v_offset + kv * head_size, t));
    values[page_chunk(step, step.y) + t] = fresh_value[t];
  }
  barrier();
}

void add_quad(uint h, vec4 scores, Eight v[4]) {
  const float most = max(max(max(scores[0], scores[1]), max(scores[2], scores[3])), maxima[h]);
  const float shrink = exp2(maxima[h] - most);
  maxima[h] = most;
  exponents[h] *= shrink;
  sums[h] = Eight(sums[h].low * shrink, sums[h].high * shrink);
  [[unroll]] for (uint i = 0; i < 4; i++) {
    const float weight = exp2(scores[i] - most);
    exponents[h] += weight;
    sums[h] = Eight(fma(vec4(weight), v[i].low, sums[h].low), fma(vec4(weight), v[i].high, sums[h].high));
  }
}

void attend_share(uint row, uvec4 step) {
  const uint t = gl_LocalInvocationIndex, part = t % LANES, worker = t / LANES;
  const uint slot = worker / SUBSETS, subset = worker % SUBSETS;
  const uint end_all = step.y + 1, start = window == 0 || end_all <= window ? 0 : end_all - window;
  const uint page = start / 32, count = (end_all + 31) / 32 - page, splits = gl_NumWorkGroups.y;
  const uint begin = (page + count * gl_WorkGroupID.y / splits) * 32;
  const uint end = min(end_all, (page + count * (gl_WorkGroupID.y + 1) / splits) * 32);
  Eight q[4];
  [[unroll]] for (uint h = 0; h < HEADS; h++) {
    const uint at = (subset * HEADS + h) * head_size + part * 8;
    const bool live = part < PARTS && subset * HEADS + h < group;
    [[unroll]] for (uint i = 0; i < 4; i++) {
      q[h].low[i] = live ? numbers[at + i] : 0;
      q[h].high[i] = live ? numbers[at + 4 + i] : 0;
    }
    sums[h] = Eight(vec4(0), vec4(0));
    maxima[h] = LEAST;
    exponents[h] = 0;
  }
  for (uint base = begin; base < end; base += SLOTS * 4) {
    const uint token = base + slot * 4;
    const bool live = token < end && slot < SLOTS && part < PARTS;
    uvec4 key[4], value[4];
    const uint at = live ? page_chunk(step, token) + part : 0;
    [[unroll]] for (uint i = 0; i < 4; i++) {
      key[i] = live ? keys[at + i * PARTS] : uvec4(0);
      value[i] = live ? values[at + i * PARTS] : uvec4(0);
    }
    Eight k[4], v[4];
    [[unroll]] for (uint i = 0; i < 4; i++) {
      const bool is_fresh = live && fused == 1 && token + i == step.y;
      if (is_fresh) key[i] = fresh_key[part];
      if (is_fresh) value[i] = fresh_value[part];
      // What was never written may be no number.
      if (token + i >= end || token + i < start) value[i] = uvec4(0);
      k[i] = halves_of(key[i]);
      v[i] = halves_of(value[i]);
    }
    [[unroll]] for (uint h = 0; h < HEADS; h++) {
      vec4 scores;
      [[unroll]] for (uint i = 0; i < 4; i++) scores[i] = dot(q[h].low, k[i].low) + dot(q[h].high, k[i].high);
      scores = lanes_sums(scores);
      [[unroll]] for (uint i = 0; i < 4; i++)
        if (token + i >= end || token + i < start || slot >= SLOTS) scores[i] = LEAST;
      add_quad(h, scores, v);
    }
  }
}

// The slots' sums become numbers of the share, not yet divided by the totals.
void merge_slots() {
  const uint t = gl_LocalInvocationIndex, part = t % LANES, worker = t / LANES, subset = worker % SUBSETS;
  barrier();
  if (part == 0) {
    for (uint h = 0; h < HEADS; h++) {
      memory[(worker * 4 + h) * 2] = maxima[h];
      memory[(worker * 4 + h) * 2 + 1] = exponents[h];
    }
  }
  barrier();
  float factors[4];
  [[unroll]] for (uint h = 0; h < HEADS; h++) {
    float most = LEAST, total = 0;
    for (uint s = 0; s < SLOTS; s++) most = max(most, memory[((s * SUBSETS + subset) * 4 + h) * 2]);
    for (uint s = 0; s < SLOTS; s++) {
      const uint at = ((s * SUBSETS + subset) * 4 + h) * 2;
      total += memory[at + 1] * exp2(memory[at] - most);
    }
    factors[h] = exp2(maxima[h] - most);
    if (t % LANES == 0 && worker < SUBSETS) totals[subset * HEADS + h] = vec2(most, total);
  }
  [[unroll]] for (uint h = 0; h < HEADS; h++) {
    barrier();
    [[unroll]] for (uint i = 0; i < 4; i++) {
      memory[t * 8 + i] = sums[h].low[i] * factors[h];
      memory[t * 8 + 4 + i] = sums[h].high[i] * factors[h];
    }
    barrier();
    for (uint i = t; i < SUBSETS * head_size; i += 256) {
      const uint sub = i / head_size, d = i % head_size;
      float sum = 0;
      for (uint s = 0; s < SLOTS; s++) sum += memory[(s * SUBSETS + sub) * LANES * 8 + d];
      if (sub * HEADS + h < group) numbers[(sub * HEADS + h) * head_size + d] = sum;
    }
  }
  barrier();
}

#include "attend_results.glsl"
