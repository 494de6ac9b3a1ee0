// Brings the sums of project_rows' lanes and SIMD-groups together. Goes after project_sums.h.

// Four lanes (of lane % 8 the same) bring parts of rows lane % 8 + 8 r; each gets the sum of row `lane`.
inline float row_of_parts(float4 parts, uint lane) {
  const bool upper = lane & 16, odd = lane & 8;
  const float2 kept = (upper ? parts.zw : parts.xy) + simd_shuffle_xor(upper ? parts.xy : parts.zw, 16);
  return (odd ? kept.y : kept.x) + simd_shuffle_xor(odd ? kept.x : kept.y, 8);
}

// partial_sums: [slice][column of WIDTH][set][row of the tile].
inline void put_sums(threadgroup float* partial_sums, thread const Sums& sums, uint slice, uint lane) {
  SETS_LOOP WIDTH_LOOP {
    partial_sums[((slice * WIDTH + c) * SETS + s) * 32 + lane] = row_of_parts(sums.rows[s][c], lane);
  }
}

// Of row `lane` of the first tile, and of the second.
inline float2 total_of(threadgroup const float* partial_sums, uint column, uint lane) {
  float2 total = float2(0);
  for (uint slice = 0; slice < SLICES; slice++) {
    const uint place = (slice * WIDTH + column) * SETS * 32 + lane;
    total.x += partial_sums[place];
    if (SETS == 2) total.y += partial_sums[place + 32];
  }
  return total;
}

// partial_squares[slice]: of row slice % columns, a part of the sum of its squares.
inline void put_squares(threadgroup float* partial_squares, Activations inputs, uint slice, uint lane) {
  const uint first = inputs.row(slice % columns);
  float sum = 0;
  for (uint block = slice / columns * 32 + lane; block < inputs.row_blocks; block += SLICES / columns * 32)
    sum += inputs.blocks[first + block].z;
  sum = simd_sum(sum);
  if (lane == 0) partial_squares[slice] = sum;
}

inline float squares_of(threadgroup const float* partial_squares, uint column) {
  float sum = 0;
  for (uint slice = column; slice < SLICES; slice += columns) sum += partial_squares[slice];
  return sum;
}
