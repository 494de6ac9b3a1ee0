// What every 128 x 128 tile shares: 256 threads with 8 x 8 sums each, 16 dimensions of both sides in their memory.
// A "quad" is four rows of a side, so that a thread finds four of its rows in one 16-byte load of that memory.
#include "common/unroll.h"

constexpr constant uint TILE = 128;
constexpr constant uint TILE_MEMORY = 1024;  // float4s: [A, B][16 dimensions][32 quads]

struct Tile {
  threadgroup float4* memory;
  uint t;             // thread_index_in_threadgroup
  bool direct;        // sums squared differences, otherwise products
  float4 sums[8][2];  // [row][quad of columns]

  Tile(threadgroup float4* memory, uint t, bool direct) thread : memory(memory), t(t), direct(direct) {}

  // The lanes of a SIMD-group form 8 columns x 4 rows, which balances what they read of A and of B.
  uint column() const thread { return (t >> 5 & 1) * 8 + (t & 7); }
  uint row() const thread { return (t >> 6) * 4 + (t >> 3 & 3); }

  // Row of A, within the tile, of sums[r]: quad q of A is its rows q, q + 32, q + 64, q + 96.
  uint row_of(uint r) const thread { return row() + 16 * (r >> 2) + 32 * (r & 3); }

  // Quad of B of sums[][h].
  uint quad_of(uint h) const thread { return column() + 16 * h; }

  // What a thread loads: a quad of A (threads below 128) or of B, in one of a step's four chunks.
  bool loads_a() const thread { return t < 128; }
  uint loaded_quad() const thread { return t & 31; }
  uint loaded_chunk() const thread { return t >> 5 & 3; }

  void clear() thread { UNROLL for (uint r = 0; r < 8; r++) sums[r][0] = sums[r][1] = float4(0); }

  void add_chunk(uint chunk) thread {
    UNROLL for (uint d = 0; d < 4; d++) {
      const uint line = (chunk * 4 + d) * 32, a_quad = line + row(), b_quad = 512 + line + column();
      const float4 a[2] = {memory[a_quad], memory[a_quad + 16]};
      const float4 b[2] = {memory[b_quad], memory[b_quad + 16]};
      UNROLL for (uint r = 0; r < 8; r++) {
        UNROLL for (uint h = 0; h < 2; h++) {
          const float4 left = float4(a[r >> 2][r & 3]);
          const float4 x = direct ? left - b[h] : left;
          sums[r][h] = fma(x, direct ? x : b[h], sums[r][h]);
        }
      }
    }
  }

  // Adds a step of up to four chunks, of which `left` are live; each thread brings the four rows of its quad.
  void add_step(thread const float4* rows, uint left) thread {
    const uint target = (loads_a() ? 0 : 512) + loaded_chunk() * 128 + loaded_quad();
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint d = 0; d < 4; d++) {
      memory[target + d * 32] = float4(rows[0][d], rows[1][d], rows[2][d], rows[3][d]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint chunk = 0; chunk < min(4u, left); chunk++) add_chunk(chunk);
  }
};
