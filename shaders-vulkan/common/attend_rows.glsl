// Parts of attend_rows.comp. LANES threads are a worker: it has up to MOST query heads (one of SUBSETS) of the group and goes
// over every SLOTS-th quad of positions, with maxima and sums of its own, which are merged at the end.
const uint WORKERS = 256 / LANES;
// More of smaller heads cost more registers than loads; a software device would compile for minutes.
const uint MOST = unrolled == 0 ? (group + WORKERS - 1) / WORKERS : LANES > 8 ? 4 : 2;
const uint SUBSETS = (group + MOST - 1) / MOST, HEADS = (group + SUBSETS - 1) / SUBSETS, SLOTS = WORKERS / SUBSETS;
const uint COLUMNS = group * head_size, ROUND = SLOTS * 4;  // positions
const uint PASS = COLUMNS <= 2048 && HEADS > 1 ? 2 : 1;  // heads that merge at once
const float LEAST = -1e30;  // finite, so that differences of it are numbers

shared float numbers[COLUMNS];  // queries, later results
shared vec4 memory[PASS * 512];
shared vec4 tops[WORKERS], weights[WORKERS];  // a worker's maxima and sums of exponents
shared vec2 totals[64];  // (maximum, sum) of a head
shared uvec4 fresh_key[32], fresh_value[32];
shared uint is_last;

struct Share {
  uint start, begin, end, count;  // start: of what the window shows; begin, end: of this share; count: of shares
};

uvec4 key[4], value[4];  // of the quad in work, or on their way
Eight sums[4];
vec4 maxima, exponents;

// A short row is not worth a merge.
Share own_share(uvec4 step) {
  const uint end = step.y + 1, start = window == 0 || end <= window ? 0 : end - window;
  const uint page = start / 32, count = (end + 31) / 32 - page, y = gl_WorkGroupID.y;
  const uint shares = count <= 8 ? 1 : min(gl_NumWorkGroups.y, (count + 3) / 4);
  return Share(start, (page + count * y / shares) * 32, min(end, (page + count * (y + 1) / shares) * 32), shares);
}

uint page_of(uvec4 step, uint token, bool live) { return live ? pages[step.z * page_stride + token / 32] : 0; }

uint chunk_of(uint page, uint token) {
  return ((page * gl_NumWorkGroups.x + gl_WorkGroupID.x) * 32 + token % 32) * PARTS + gl_LocalInvocationIndex % LANES;
}

void fetch_keys(uint at, bool live) {
  [[unroll]] for (uint i = 0; i < 4; i++) key[i] = live ? keys[at + i * PARTS] : uvec4(0);
}

void fetch_values(uint at, bool live) {
  [[unroll]] for (uint i = 0; i < 4; i++) value[i] = live ? values[at + i * PARTS] : uvec4(0);
}

// Queries into numbers, times scale; the last share keeps the new token's key and value.
void prepare(uint row, uvec4 step, bool is_owner) {
  const uint t = gl_LocalInvocationIndex, part = t % LANES, kv = gl_WorkGroupID.x;
  const float factor = scale * 1.4426950408889634;  // exponents are of 2
  if (fused == 0) {
    for (uint i = t; i < COLUMNS; i += 256) numbers[i] = projected[row * stride + kv * COLUMNS + i] * factor;
    barrier();
    return;
  }
  for (uint first = 0; first < group + 2; first += WORKERS) {
    const uint item = first + t / LANES;
    const uint what = item < group ? IS_QUERY : item == group ? IS_KEY : IS_VALUE;
    const uint head = item < group ? (kv * group + item) * head_size : kv * head_size;
    const uint from = row * stride + head + (item < group ? 0 : item == group ? k_offset : v_offset);
    const bool live = part < PARTS && item < (is_owner ? group + 2 : group);
    const Eight x = rotated_part(live, from, part, step.y, what);
    if (!live) continue;
    if (item < group) {
      [[unroll]] for (uint i = 0; i < 4; i++) {
        numbers[item * head_size + part * 8 + i] = x.low[i] * factor;
        numbers[item * head_size + part * 8 + 4 + i] = x.high[i] * factor;
      }
      continue;
    }
    const uint at = chunk_of(page_of(step, step.y, true), step.y);
    if (item == group) keys[at] = fresh_key[part] = halves_from(x);
    else values[at] = fresh_value[part] = halves_from(x);
  }
  barrier();
}

// Adds the quad's values; scores become their weights.
void add_quad(vec4 scores[4]) {
  vec4 shrink;
  [[unroll]] for (uint h = 0; h < HEADS; h++) {
    const float most = max(max(max(scores[h].x, scores[h].y), max(scores[h].z, scores[h].w)), maxima[h]);
    shrink[h] = exp2(maxima[h] - most);
    maxima[h] = most;
    scores[h] = exp2(scores[h] - most);
    exponents[h] = fma(exponents[h], shrink[h], (scores[h].x + scores[h].y) + (scores[h].z + scores[h].w));
    sums[h] = Eight(sums[h].low * shrink[h], sums[h].high * shrink[h]);
  }
  [[unroll]] for (uint i = 0; i < 4; i++) {
    const Eight v = halves_of(value[i]);
    [[unroll]] for (uint h = 0; h < HEADS; h++) {
      const vec4 weight = vec4(scores[h][i]);
      sums[h] = Eight(fma(weight, v.low, sums[h].low), fma(weight, v.high, sums[h].high));
    }
  }
}

// While a quad is worked on, the next one's keys and values are on their way, and the number of the page after that.
void attend_share(uint row, uvec4 step, Share share) {
  const uint part = gl_LocalInvocationIndex % LANES, worker = gl_LocalInvocationIndex / LANES;
  const uint slot = worker / SUBSETS, subset = worker % SUBSETS;
  const uint end = slot < SLOTS && part < PARTS ? share.end : 0;  // of this worker's quads
  uint token = share.begin + slot * 4;
  const uint first = chunk_of(page_of(step, token, token < end), token);
  fetch_keys(first, token < end);
  fetch_values(first, token < end);
  uint page = page_of(step, token + ROUND, token + ROUND < end);
  prepare(row, step, gl_WorkGroupID.y == share.count - 1);
  Eight q[4];
  [[unroll]] for (uint h = 0; h < HEADS; h++) {
    const uint at = (subset * HEADS + h) * head_size + part * 8;
    const bool live = part < PARTS && subset * HEADS + h < group;
    [[unroll]] for (uint i = 0; i < 4; i++) {
      q[h].low[i] = live ? numbers[at + i] : 0;
      q[h].high[i] = live ? numbers[at + 4 + i] : 0;
    }
    sums[h] = Eight(vec4(0), vec4(0));
  }
  maxima = vec4(LEAST);
  exponents = vec4(0);
  for (uint base = share.begin; base < share.end; base += ROUND, token += ROUND) {
    const uint next = token + ROUND, at = chunk_of(page, next);
    // Where some of the round's tokens are not of the share, or new.
    const bool is_edge = base < share.start || base + ROUND >= share.end;
    bvec4 seen = bvec4(true);
    if (is_edge) {
      [[unroll]] for (uint i = 0; i < 4; i++) {
        seen[i] = token + i < end && token + i >= share.start;
        if (fused == 1 && token + i == step.y && part < PARTS) key[i] = fresh_key[part], value[i] = fresh_value[part];
        if (!seen[i]) value[i] = uvec4(0);  // what was never written may be no number
      }
    }
    vec4 scores[4];
    [[unroll]] for (uint i = 0; i < 4; i++) {
      const Eight k = halves_of(key[i]);
      [[unroll]] for (uint h = 0; h < HEADS; h++) scores[h][i] = dot(q[h].low, k.low) + dot(q[h].high, k.high);
    }
    fetch_keys(at, next < end);
    page = page_of(step, next + ROUND, next + ROUND < end);
    [[unroll]] for (uint h = 0; h < HEADS; h++) scores[h] = mix(vec4(LEAST), lanes_sums(scores[h]), seen);
    add_quad(scores);
    fetch_values(at, next < end);
  }
}

// The slots' sums become numbers of the share, not yet divided by the totals.
void merge_slots(uint tokens) {
  const uint t = gl_LocalInvocationIndex, worker = t / LANES, subset = worker % SUBSETS;
  const uint slots = min(SLOTS, (tokens + 3) / 4);  // the others have seen nothing
  if (t % LANES == 0) tops[worker] = maxima;
  barrier();
  vec4 most = vec4(LEAST);
  for (uint s = 0; s < slots; s++) most = max(most, tops[s * SUBSETS + subset]);
  const vec4 factors = exp2(maxima - most);
  if (t % LANES == 0) weights[worker] = exponents * factors;
  [[unroll]] for (uint first = 0; first < HEADS; first += PASS) {
    if (first > 0) barrier();
    [[unroll]] for (uint h = first; h < min(first + PASS, HEADS); h++) {
      memory[(h - first) * 512 + t] = sums[h].low * factors[h];
      memory[(h - first) * 512 + 256 + t] = sums[h].high * factors[h];
    }
    barrier();
    for (uint i = t; i < PASS * 2 * SUBSETS * LANES; i += 256) {
      const uint part = i % LANES, sub = i / LANES % SUBSETS, half_of = i / LANES / SUBSETS;
      const uint h = first + half_of / 2, head = sub * HEADS + h;
      if (part >= PARTS || h >= HEADS || head >= group) continue;
      vec4 sum = vec4(0);
      for (uint s = 0; s < slots; s++) sum += memory[half_of * 256 + (s * SUBSETS + sub) * LANES + part];
      [[unroll]] for (uint n = 0; n < 4; n++) numbers[head * head_size + part * 8 + half_of % 2 * 4 + n] = sum[n];
    }
  }
  if (t < group) {
    totals[t] = vec2(LEAST, 0);
    for (uint s = 0; s < slots; s++) {
      const uint at = s * SUBSETS + t / HEADS;
      totals[t] = vec2(max(totals[t].x, tops[at][t % HEADS]), totals[t].y + weights[at][t % HEADS]);
    }
  }
  barrier();
}

#include "attend_results.glsl"
