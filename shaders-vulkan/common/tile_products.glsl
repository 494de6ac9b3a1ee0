// What every 128 x 128 tile shares: 256 threads with 8 x 8 sums each, 16 dimensions of both sides in shared memory.
// The includer has the constant DIRECT (true sums squared differences, false sums products) and the specialization
// constant `unrolled`; 0 keeps the code short: a software device compiles the long form for many seconds.
//
// A "quad" is four rows of a side, so that a thread finds four of its rows in one 16-byte load of shared memory.

#define TILE 128
shared vec4 tile_memory[1024];  // [A, B][16 dimensions][32 quads]
vec4 tile_sums[8][2];           // [row][quad of columns]

// Threads of a 32-wide subgroup form 8 columns x 4 rows, which balances what they read of A and of B.
#define tile_thread gl_LocalInvocationIndex
uint tile_column() { return ((tile_thread >> 5) & 1) * 8 + (tile_thread & 7); }
uint tile_row() { return (tile_thread >> 6) * 4 + ((tile_thread >> 3) & 3); }

// Row of A, within the tile, of tile_sums[r]: quad q of A is its rows q, q + 32, q + 64, q + 96.
uint row_of(uint r) { return tile_row() + 16 * (r >> 2) + 32 * (r & 3); }

// What a thread loads: a quad of A (threads below 128) or of B, in one of a step's four chunks.
bool loads_a() { return tile_thread < 128; }
uint loaded_quad() { return tile_thread & 31; }
uint loaded_chunk() { return (tile_thread >> 5) & 3; }

void clear_tile() {
  [[unroll]] for (uint r = 0; r < 8; r++) tile_sums[r][0] = tile_sums[r][1] = vec4(0);
}

void add_chunk(uint chunk) {
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

// Adds a step of up to four chunks, of which `left` are live; each thread brings the four rows of its quad.
void add_step(vec4 rows[4], uint left) {
  const uint target = (loads_a() ? 0 : 512) + loaded_chunk() * 128 + loaded_quad();
  barrier();
  [[unroll]] for (uint d = 0; d < 4; d++)
    tile_memory[target + d * 32] = vec4(rows[0][d], rows[1][d], rows[2][d], rows[3][d]);
  barrier();
  if (unrolled == 1 && left >= 4) {
    [[unroll]] for (uint chunk = 0; chunk < 4; chunk++) add_chunk(chunk);
  } else {
    for (uint chunk = 0; chunk < min(4, left); chunk++) add_chunk(chunk);
  }
}
