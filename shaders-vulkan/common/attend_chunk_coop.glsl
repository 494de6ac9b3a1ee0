// Parts of attend_chunk_coop.comp.

// The thread's eighths of the tile of keys or values, on their way to `tile`.
void fetch(uint first, uvec2 tokens, bool is_value) {
  [[unroll]] for (uint i = 0; i < coming.length(); i++) {
    const uint at = i * 128 + gl_LocalInvocationIndex, token = first + at / PARTS;
    coming[i] = uvec4(0);
    // What was never written may be no number.
    if (at >= TILE * PARTS || token < tokens.x || token >= tokens.y) continue;
    const uint page = pages[steps[0].z * page_stride + token / 32];
    const uint from = ((page * kv_heads + kv_head()) * 32 + token % 32) * PARTS + at % PARTS;
    coming[i] = is_value ? values[from] : keys[from];
  }
}

void keep() {
  [[unroll]] for (uint i = 0; i < coming.length(); i++) {
    const uint at = i * 128 + gl_LocalInvocationIndex;
    if (at < TILE * PARTS) tile[at / PARTS * PITCH + at % PARTS] = coming[i];
  }
}

uvec4 query_halves(uint row, uint part, uint live) {
  vec4 two[2] = vec4[](vec4(0), vec4(0));
  if (row < live && part < PARTS) query_part(gl_WorkGroupID.x * 64 + row, part, two);
  return uvec4(packHalf2x16(two[0].xy), packHalf2x16(two[0].zw), packHalf2x16(two[1].xy), packHalf2x16(two[1].zw));
}

// Into registers by way of the subgroup's weights, 32 numbers at a time.
void hold_queries(uint live) {
  const uint row = gl_SubgroupID * SIDE + lane_row(), at = own_weights() + lane_row() * WEIGHT_PITCH;
  [[unroll]] for (uint d = 0; d < DIMS; d += 2) {
    subgroupBarrier();
    for (uint i = lane_half() * 2; i < lane_half() * 2 + 2; i++) weights[at + i] = query_halves(row, 2 * d + i, live);
    subgroupBarrier();
    coopMatLoad(left[d], weights, own_weights(), WEIGHT_PITCH, gl_CooperativeMatrixLayoutRowMajor);
    if (d + 1 < DIMS)
      coopMatLoad(left[d + 1], weights, own_weights() + 2, WEIGHT_PITCH, gl_CooperativeMatrixLayoutRowMajor);
  }
  subgroupBarrier();
}

void take_queries(uint live) {
  if (IS_HELD) hold_queries(live);
  else {
    for (uint i = gl_LocalInvocationIndex; i < 64 * PARTS; i += 128)
      shared_queries[i / PARTS * PITCH + i % PARTS] = query_halves(i / PARTS, i % PARTS, live);
  }
}

void score() {
  Sums parts[KEYS];
  [[unroll]] for (uint j = 0; j < KEYS; j++) parts[j] = Sums(0.0);
  [[unroll]] for (uint d = 0; d < DIMS; d++) {
    Left query;
    const uint at = gl_SubgroupID * SIDE * PITCH + 2 * d;
    if (IS_HELD) query = left[d];
    else coopMatLoad(query, shared_queries, at, PITCH, gl_CooperativeMatrixLayoutRowMajor);
    [[unroll]] for (uint j = 0; j < KEYS; j++) {
      Right right;
      coopMatLoad(right, tile, j * SIDE * PITCH + 2 * d, PITCH, gl_CooperativeMatrixLayoutColumnMajor);
      parts[j] = coopMatMulAdd(query, right, parts[j]);
    }
  }
  [[unroll]] for (uint j = 0; j < KEYS; j++)
    coopMatStore(parts[j], scores, own_scores() + j * SIDE / 4, SCORE_PITCH, gl_CooperativeMatrixLayoutRowMajor);
}

// The lane's scores, half of a row's, become weights; returns the factor of the row's sums so far.
float weigh(uint first, uint end, bool is_edge) {
  const uint row = gl_SubgroupID * SIDE + lane_row(), column = lane_half() * TILE / 2;
  const uint from = own_scores() + lane_row() * SCORE_PITCH + column / 4;
  const uint to = own_weights() + lane_row() * WEIGHT_PITCH + column / 8;
  const float factor = scale * 1.4426950408889634;
  vec4 x[QUADS];
  float most = maximum, sum = 0;
  [[unroll]] for (uint i = 0; i < QUADS; i++) {
    x[i] = uintBitsToFloat(scores[from + i]) * factor;
    if (is_edge) {
      [[unroll]] for (uint n = 0; n < 4; n++) {
        const uint token = first + column + i * 4 + n;
        if (token >= end || !is_seen(row, token)) x[i][n] = LEAST;
      }
    }
    most = max(most, max(max(x[i].x, x[i].y), max(x[i].z, x[i].w)));
  }
  most = max(most, subgroupShuffleXor(most, 1));
  const bool none = most == LEAST;  // a row that has seen nothing yet
  [[unroll]] for (uint i = 0; i < QUADS; i += 2) {
    const vec4 a = none ? vec4(0) : exp2(x[i] - most), b = none ? vec4(0) : exp2(x[i + 1] - most);
    sum += (a.x + a.y + a.z + a.w) + (b.x + b.y + b.z + b.w);
    weights[to + i / 2] = uvec4(packHalf2x16(a.xy), packHalf2x16(a.zw), packHalf2x16(b.xy), packHalf2x16(b.zw));
  }
  const float shrink = exp2(maximum - most);
  maximum = most;
  total = total * shrink + sum + subgroupShuffleXor(sum, 1);
  return shrink;
}

// Multiplies the rows of all sums by the lanes' factors: a matrix tells which row a number is of only by what it loads.
void scale_sums(float factor) {
  const uint at = own_scores() + lane_row() * SCORE_PITCH + lane_half() * 2;
  subgroupBarrier();
  scores[at] = floatBitsToUint(vec4(factor));
  scores[at + 1] = floatBitsToUint(vec4(factor));
  subgroupBarrier();
  Sums factors;
  coopMatLoad(factors, scores, own_scores(), SCORE_PITCH, gl_CooperativeMatrixLayoutRowMajor);
  [[unroll]] for (uint d = 0; d < DIMS; d++) {
    [[unroll]] for (uint i = 0; i < factors.length(); i++) sums[d][i] *= factors[i];
  }
}

void add_values() {
  [[unroll]] for (uint j = 0; j < KEYS; j++) {
    Left part;
    coopMatLoad(part, weights, own_weights() + 2 * j, WEIGHT_PITCH, gl_CooperativeMatrixLayoutRowMajor);
    [[unroll]] for (uint d = 0; d < DIMS; d++) {
      Right right;
      coopMatLoad(right, tile, j * SIDE * PITCH + 2 * d, PITCH, gl_CooperativeMatrixLayoutRowMajor);
      sums[d] = coopMatMulAdd(part, right, sums[d]);
    }
  }
}

void store_sums() {
  const uint t = gl_LocalInvocationIndex, lane = t % 32;
  const uint RESULT_PITCH = 9, CHUNKS = (head_size + 31) / 32;
  [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
    barrier();
    coopMatStore(sums[2 * chunk], scores, own_scores(), RESULT_PITCH, gl_CooperativeMatrixLayoutRowMajor);
    if (2 * chunk + 1 < DIMS)
      coopMatStore(sums[2 * chunk + 1], scores, own_scores() + 4, RESULT_PITCH, gl_CooperativeMatrixLayoutRowMajor);
    barrier();
    for (uint i = t / 32; i < 64; i += 4) {
      const uint at = i / SIDE * SIDE * SCORE_PITCH + i % SIDE * RESULT_PITCH + lane / 4;
      store_chunk(i, chunk, uintBitsToFloat(scores[at])[lane % 4]);
    }
  }
  if (head_size % 32 == 0) return;
  for (uint i = t / 32; i < 64; i += 4) store_chunk(i, CHUNKS, 0);  // padding that ends behind the head's last chunk
}
