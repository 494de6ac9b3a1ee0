// Brings the sums of project_rows' slices together: afterwards slice s has the totals of activation row s.
const uint PASS = columns < 8 / SETS ? columns : 8 / SETS;  // columns at a time
const uint SHARES = gl_WorkGroupSize.x / columns;  // threads that sum the squares of one row
shared float partial_sums[SLICES * PASS * SETS * 32];
shared float partial_squares[gl_WorkGroupSize.x];

// This thread's share of the squares of row t / SHARES.
float own_squares() {
  const uint t = gl_LocalInvocationIndex, first = row_at(t / SHARES);
  float sum = 0;
  for (uint block = t % SHARES; block < row_blocks; block += SHARES) sum += blocks[first + block].z;
  return sum;
}

float factor_of(uint slice, uint lane) {
  float sum = 0;
  [[unroll]] for (uint i = 0; i < SHARES / 32; i++) sum += partial_squares[slice % columns * SHARES + i * 32 + lane];
  for (uint distance = 16; distance > 0; distance >>= 1) sum += stored_partner(vec2(sum, 0), distance).x;
  return inversesqrt(sum / inputs + epsilon);
}

void totals_of(uint slice, uint lane, float squares, out float total[SETS]) {
  if (normalised == 1) partial_squares[gl_LocalInvocationIndex] = squares;
  [[unroll]] for (uint set = 0; set < SETS; set++) total[set] = 0;
  [[unroll]] for (uint first = 0; first < OWN; first += PASS / split) {
    if (first > 0) barrier();
    [[unroll]] for (uint c = 0; c < PASS / split; c++) [[unroll]] for (uint r = 0; r < ROWS; r++) {
      const uint place = (slice * PASS + lane / LANES * (PASS / split) + c) * SETS + r / split;
      partial_sums[place * 32 + lane % LANES + r % split * LANES] = sums[r][first + c];
    }
    barrier();
    const uint column = slice % OWN;
    if (slice < columns && column >= first && column < first + PASS / split) {
      const uint place = slice / OWN * (PASS / split) + column - first;
      [[unroll]] for (uint s = 0; s < SLICES; s++) [[unroll]] for (uint set = 0; set < SETS; set++)
        total[set] += partial_sums[((s * PASS + place) * SETS + set) * 32 + lane];
    }
  }
  if (normalised == 0) return;
  const float factor = factor_of(slice, lane);
  [[unroll]] for (uint set = 0; set < SETS; set++) total[set] *= factor;
}
