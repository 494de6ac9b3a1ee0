// Parts of attend_rows.comp: merging the shares of a row, and writing the result.
// SIDES threads go over the shares for four columns.
const uint FOURS = COLUMNS / 4, SIDES = FOURS >= 256 ? 1 : 256 / FOURS;

// Sums of all shares for four columns, and in the end the sum of exponents of their head.
void sum_shares(uint all, uint pitch, uint shares) {
  const uint t = gl_LocalInvocationIndex, side = t / FOURS;
  for (uint first = 0; first < FOURS; first += 256) {
    const uint four = SIDES == 1 ? first + t : t % FOURS, head = four * 4 / head_size;
    const bool live = four < FOURS && side < SIDES;
    vec4 sum = vec4(0);
    float most = LEAST, total = 0;
    if (live) {
      for (uint s = 0; s < shares; s++) most = max(most, memory[s * group + head].x);
      for (uint s0 = side; s0 < shares; s0 += 8 * SIDES) {
        vec4 parts[8];  // all under way at once
        [[unroll]] for (uint i = 0; i < 8; i++)
          parts[i] = partials[all + min(s0 + i * SIDES, shares - 1) * pitch + four];
        [[unroll]] for (uint i = 0; i < 8; i++) {
          const uint s = s0 + i * SIDES;
          const vec2 top = memory[min(s, shares - 1) * group + head].xy;
          const float factor = s < shares ? exp2(top.x - most) : 0;
          total = fma(top.y, factor, total);
          sum = fma(parts[i], vec4(factor), sum);
        }
      }
    }
    if (SIDES > 1) {
      barrier();
      memory[t] = sum;
      memory[256 + t].x = total;
      barrier();
      for (uint i = 1; i < SIDES && t < FOURS; i++) {
        sum += memory[i * FOURS + t];
        total += memory[256 + i * FOURS + t].x;
      }
    }
    if (!live || side > 0) continue;
    [[unroll]] for (uint n = 0; n < 4; n++) numbers[four * 4 + n] = sum[n];
    if (four * 4 % head_size == 0) totals[head] = vec2(most, total);
  }
}

// Leaves the share in partials; true for the last share, which then has all of them in numbers and totals.
bool merge_shares(uint row, uint shares) {
  const uint t = gl_LocalInvocationIndex, pitch = FOURS + (group + 1) / 2;
  const uint pair = row * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  const uint all = pair * gl_NumWorkGroups.y * pitch, own = all + gl_WorkGroupID.y * pitch;
  for (uint i = t; i < FOURS; i += 256)
    partials[own + i] = vec4(numbers[4 * i], numbers[4 * i + 1], numbers[4 * i + 2], numbers[4 * i + 3]);
  if (2 * t < group)
    partials[own + FOURS + t] = vec4(totals[2 * t], 2 * t + 1 < group ? totals[2 * t + 1] : vec2(0));
  memoryBarrierBuffer();
  barrier();
  if (t == 0) is_last = atomicAdd(counters[pair], 1) == shares - 1 ? 1 : 0;
  barrier();
  if (is_last == 0) return false;
  memoryBarrierBuffer();
  if (t == 0) counters[pair] = 0;
  for (uint i = t; i < shares * group; i += 256) {
    const vec4 two = partials[all + i / group * pitch + FOURS + i % group / 2];
    memory[i].xy = i % group % 2 == 0 ? two.xy : two.zw;
  }
  barrier();
  sum_shares(all, pitch, shares);
  barrier();
  return true;
}

float result_of(uint i) { return numbers[i] / totals[i / head_size].y; }

void store_numbers(uint row) {
  const uint t = gl_LocalInvocationIndex, kv = gl_WorkGroupID.x, columns = gl_NumWorkGroups.x * COLUMNS;
  const uint row_blocks = (columns + 31) / 32, first_column = kv * COLUMNS;
  if (COLUMNS % 32 == 0) {
    for (uint first = 0; first < COLUMNS; first += 256) {
      const uint i = first + t;
      const float value = i < COLUMNS ? result_of(i) : 0;
      store_blocks(row * row_blocks + (first_column + i) / 32, i < COLUMNS, value, value);
    }
    return;
  }
  // The last head pads the row with zeros.
  const uint count = kv == gl_NumWorkGroups.x - 1 ? row_blocks * 32 - first_column : COLUMNS;
  for (uint i = 2 * t; i < count; i += 512) {
    const uint column = first_column + i, at = row * row_blocks * 32 + column;
    const vec2 two = i < COLUMNS ? vec2(result_of(i), result_of(i + 1)) : vec2(0);
    if (form == 0) attended[at] = floatBitsToUint(two.x), attended[at + 1] = floatBitsToUint(two.y);
    else attended[at / 2] = packHalf2x16(two);
    if (column % 32 == 0) blocks[at / 32] = vec4(1, 0, 0, 0);
  }
}
