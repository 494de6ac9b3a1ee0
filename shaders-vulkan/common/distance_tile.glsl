// The shared heart of the tiled distance kernels: 128 rows of A against 128 rows of B, 256 threads, 8 x 8 results each.
// The includer defines FETCH_A(i) and FETCH_B(i), which read element i of a packed-rows buffer, and DIRECT:
// true sums squared differences, false sums products. Its constant `unrolled` = 0 keeps the code short: a software device
// compiles the long form for many seconds.
//
// A "quad" q of a tile is its rows q, q + 32, q + 64, q + 96: reading one row of each of the tile's four groups keeps
// global loads contiguous over the threads, and a thread finds four of its rows in one 16-byte load of shared memory.

#define TILE 128
shared vec4 tile_memory[1024];  // [A, B][16 dimensions][32 quads]
vec4 tile_sums[8][2];           // [row][quad of columns]

// Threads of a 32-wide subgroup form 8 columns x 4 rows, which balances what they read of A and of B.
#define tile_thread gl_LocalInvocationIndex
uint tile_column() { return ((tile_thread >> 5) & 1) * 8 + (tile_thread & 7); }
uint tile_row() { return (tile_thread >> 6) * 4 + ((tile_thread >> 3) & 3); }

// Row and column, within the tile, of tile_sums[r] and of component i of tile_sums[][h].
uint row_of(uint r) { return tile_row() + 16 * (r >> 2) + 32 * (r & 3); }
uint column_of(uint h, uint i) { return tile_column() + 16 * h + 32 * i; }

void fetch_quad(uint a_group, uint b_group, uint chunks, uint chunk, bool inside, out vec4 rows[4]) {
  const uint quad = tile_thread & 31;
  const bool is_a = tile_thread < 128;
  const uint group = is_a ? a_group : b_group;
  [[unroll]] for (uint i = 0; i < 4; i++) {
    rows[i] = vec4(0);
    const uint element = ((group + i) * chunks + chunk) * 32 + quad;
    if (inside) rows[i] = is_a ? FETCH_A(element) : FETCH_B(element);
  }
}

void add_products(uint chunk) {
  const uint row = tile_row(), column = 512 + tile_column();
  [[unroll]] for (uint d = 0; d < 4; d++) {
    const uint line = (chunk * 4 + d) * 32;
    const vec4 a[2] = {tile_memory[line + row], tile_memory[line + row + 16]};
    const vec4 b[2] = {tile_memory[line + column], tile_memory[line + column + 16]};
    [[unroll]] for (uint r = 0; r < 8; r++) [[unroll]] for (uint h = 0; h < 2; h++) {
      const vec4 left = vec4(a[r >> 2][r & 3]);
      const vec4 x = DIRECT ? left - b[h] : left;
      tile_sums[r][h] = fma(x, DIRECT ? x : b[h], tile_sums[r][h]);
    }
  }
}

// tile_sums = the tile's sums over `count` chunks from `first` on; groups are the tiles' first groups of 32 rows.
void sum_tile(uint a_group, uint b_group, uint chunks, uint first, uint count) {
  [[unroll]] for (uint r = 0; r < 8; r++) tile_sums[r][0] = tile_sums[r][1] = vec4(0);
  const uint lane_chunk = (tile_thread >> 5) & 3;
  const uint target = (tile_thread < 128 ? 0 : 512) + lane_chunk * 128 + (tile_thread & 31);
  for (uint done = 0; done < count; done += 4) {
    // Not loaded a step ahead: the registers that would take halve the workgroups that hide the wait.
    vec4 rows[4];
    fetch_quad(a_group, b_group, chunks, first + done + lane_chunk, done + lane_chunk < count, rows);
    barrier();
    [[unroll]] for (uint d = 0; d < 4; d++)
      tile_memory[target + d * 32] = vec4(rows[0][d], rows[1][d], rows[2][d], rows[3][d]);
    barrier();
    if (unrolled == 1 && count - done >= 4) {
      [[unroll]] for (uint chunk = 0; chunk < 4; chunk++) add_products(chunk);
    } else {
      for (uint chunk = 0; chunk < min(4, count - done); chunk++) add_products(chunk);
    }
  }
}
