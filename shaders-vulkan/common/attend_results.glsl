// Parts of attend_rows.comp: merging the shares of a row, and writing the result.
// Leaves the share in partials; true for the last share, which then has all of them in numbers and totals.
bool merge_shares(uint row) {
  const uint t = gl_LocalInvocationIndex, splits = gl_NumWorkGroups.y, pitch = COLUMNS + 2 * group;
  const uint pair = row * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  const uint own = (pair * splits + gl_WorkGroupID.y) * pitch;
  for (uint i = t; i < COLUMNS; i += 256) partials[own + i] = numbers[i];
  if (t < 2 * group) partials[own + COLUMNS + t] = totals[t / 2][t % 2];
  memoryBarrierBuffer();
  barrier();
  if (t == 0) is_last = atomicAdd(counters[pair], 1) == splits - 1 ? 1 : 0;
  barrier();
  if (is_last == 0) return false;
  memoryBarrierBuffer();
  if (t == 0) counters[pair] = 0;
  const uint all = pair * splits * pitch;
  for (uint i = t; i < splits * group * 2; i += 256)
    memory[i] = partials[all + i / (2 * group) * pitch + COLUMNS + i % (2 * group)];
  barrier();
  if (t < group) {
    float most = LEAST, total = 0;
    for (uint s = 0; s < splits; s++) most = max(most, memory[(s * group + t) * 2]);
    for (uint s = 0; s < splits; s++) {
      const uint at = (s * group + t) * 2;
      memory[at] = exp2(memory[at] - most);
      total += memory[at + 1] * memory[at];
    }
    totals[t] = vec2(most, total);
  }
  barrier();
  for (uint i = t; i < COLUMNS; i += 256) {
    float sum = 0;
    for (uint s = 0; s < splits; s++) sum += partials[all + s * pitch + i] * memory[(s * group + i / head_size) * 2];
    numbers[i] = sum;
  }
  barrier();
  return true;
}

// A row that is not live has zeros for numbers.
float result_of(uint row, uint i) { return steps[row].w == 0 ? 0 : numbers[i] / totals[i / head_size].y; }

void store_numbers(uint row) {
  const uint t = gl_LocalInvocationIndex, kv = gl_WorkGroupID.x, columns = gl_NumWorkGroups.x * COLUMNS;
  const uint row_blocks = (columns + 31) / 32, first_column = kv * COLUMNS;
  if (COLUMNS % 32 == 0) {
    for (uint first = 0; first < COLUMNS; first += 256) {
      const uint i = first + t;
      const float value = i < COLUMNS ? result_of(row, i) : 0;
      store_blocks(row * row_blocks + (first_column + i) / 32, i < COLUMNS, value, value);
    }
    return;
  }
  // The last head pads the row with zeros.
  const uint count = kv == gl_NumWorkGroups.x - 1 ? row_blocks * 32 - first_column : COLUMNS;
  for (uint i = 2 * t; i < count; i += 512) {
    const uint column = first_column + i, at = row * row_blocks * 32 + column;
    const vec2 two = i < COLUMNS ? vec2(result_of(row, i), result_of(row, i + 1)) : vec2(0);
    if (form == 0) attended[at] = floatBitsToUint(two.x), attended[at + 1] = floatBitsToUint(two.y);
    else attended[at / 2] = packHalf2x16(two);
    if (column % 32 == 0) blocks[at / 32] = vec4(1, 0, 0, 0);
  }
}
