// A tile of a matrix product: 128 rows of A against 128 rows of B, 256 threads, 8 x 8 sums each. Both sides come in
// chunks of four numbers along the summed dimension. The includer defines
//   vec4 fetch_a(uint row, uint chunk), vec4 fetch_b(uint row, uint chunk): zeros where there is nothing, and
//   COLUMN(quad, i): the row of B, within the tile, of component i of a quad (32 quads).
// Its constant `unrolled` = 0 keeps the code short: a software device compiles the long form for many seconds.

#define TILE 128
shared vec4 tile_memory[1024];  // [A, B][16 numbers][32 quads]
vec4 tile_sums[8][2];           // [row][quad of columns]

// Threads of a 32-wide subgroup form 8 columns x 4 rows, which balances what they read of A and of B.
#define tile_thread gl_LocalInvocationIndex
uint tile_column() { return ((tile_thread >> 5) & 1) * 8 + (tile_thread & 7); }
uint tile_row() { return (tile_thread >> 6) * 4 + ((tile_thread >> 3) & 3); }

// Row and column, within the tile, of tile_sums[r] and of component i of tile_sums[][h].
uint row_of(uint r) { return tile_row() + 16 * (r >> 2) + 32 * (r & 3); }
uint column_of(uint h, uint i) { return COLUMN(tile_column() + 16 * h, i); }

void add_products(uint chunk) {
  const uint row = tile_row(), column = 512 + tile_column();
  [[unroll]] for (uint d = 0; d < 4; d++) {
    const uint line = (chunk * 4 + d) * 32;
    const vec4 a[2] = {tile_memory[line + row], tile_memory[line + row + 16]};
    const vec4 b[2] = {tile_memory[line + column], tile_memory[line + column + 16]};
    [[unroll]] for (uint r = 0; r < 8; r++) [[unroll]] for (uint h = 0; h < 2; h++)
      tile_sums[r][h] = fma(vec4(a[r >> 2][r & 3]), b[h], tile_sums[r][h]);
  }
}

void sum_tile(uint first_row, uint first_column, uint chunks) {
  [[unroll]] for (uint r = 0; r < 8; r++) tile_sums[r][0] = tile_sums[r][1] = vec4(0);
  const uint quad = tile_thread & 31, lane_chunk = (tile_thread >> 5) & 3;
  const bool is_a = tile_thread < 128;
  const uint target = (is_a ? 0 : 512) + lane_chunk * 128 + quad;
  for (uint done = 0; done < chunks; done += 4) {
    vec4 rows[4];
    [[unroll]] for (uint i = 0; i < 4; i++) {
      rows[i] = vec4(0);
      if (done + lane_chunk < chunks) {
        if (is_a) rows[i] = fetch_a(first_row + quad + 32 * i, done + lane_chunk);
        else rows[i] = fetch_b(first_column + COLUMN(quad, i), done + lane_chunk);
      }
    }
    barrier();
    [[unroll]] for (uint d = 0; d < 4; d++)
      tile_memory[target + d * 32] = vec4(rows[0][d], rows[1][d], rows[2][d], rows[3][d]);
    barrier();
    if (unrolled == 1 && chunks - done >= 4) {
      [[unroll]] for (uint chunk = 0; chunk < 4; chunk++) add_products(chunk);
    } else {
      for (uint chunk = 0; chunk < min(4, chunks - done); chunk++) add_products(chunk);
    }
  }
}
