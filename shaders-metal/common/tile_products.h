// What every 128 x 128 tile shares: 256 threads with 8 x 8 sums each, 16 dimensions of both sides in their memory.
// Products are those of 8 x 8 matrices where the constant `unrolled` is 1, which GPUs before Apple7 cannot do: a
// SIMD-group has 4 x 8 of them, and reads a fifth of what its threads would each for themselves.
// A "quad" is rows q, q + 32, q + 64 and q + 96 of a side: what a thread loads, and finds in one 16-byte load of that
// memory where there are no matrices.
#include <metal_simdgroup_matrix>

#include "common/unroll.h"

constexpr constant uint TILE = 128;
constexpr constant uint PITCH = 20;  // of a row for matrices: 16 numbers, and 4 that keep rows on different banks
// float4s: [A, B][row][PITCH / 4], or [A, B][16 dimensions][32 quads].
constexpr constant uint TILE_MEMORY = 2 * TILE * PITCH / 4;

struct Tile {
  threadgroup float4* memory;
  uint t;             // thread_index_in_threadgroup
  bool direct;        // sums squared differences, otherwise products
  float4 sums[8][2];  // of row_of(r) and column_of(r, h, i)
  simdgroup_float8x8 parts[4][8];
  uint2 places;  // row * 8 + column of the thread's two numbers of a matrix

  // For the whole threadgroup at once. Which numbers of a matrix a thread has, one shows that holds their places.
  Tile(threadgroup float4* memory, uint t, bool direct) thread : memory(memory), t(t), direct(direct) {
    if (!has_matrices()) return;
    if (t < 16) memory[t] = float4(4 * t) + float4(0, 1, 2, 3);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_float8x8 numbers;
    simdgroup_load(numbers, (threadgroup const float*)memory, 8);
    places = uint2(numbers.thread_elements());
  }

  bool has_matrices() const thread { return !direct && unrolled == 1; }

  // First row and column of the SIMD-group's matrices.
  uint first_row() const thread { return t / 64 * 32; }
  uint first_column() const thread { return t / 32 % 2 * 64; }

  // Without matrices, the lanes of a SIMD-group form 8 columns x 4 rows, which balances what they read of A and of B.
  uint row_quad() const thread { return (t >> 6) * 4 + (t >> 3 & 3); }
  uint column_quad() const thread { return (t >> 5 & 1) * 8 + (t & 7); }

  // Row of A, within the tile, of sums[r].
  uint row_of(uint r) const thread {
    return has_matrices() ? first_row() + r / 2 * 8 + places[r % 2] / 8 : row_quad() + 16 * (r >> 2) + 32 * (r & 3);
  }

  // Row of B, within the tile, of sums[r][h][i]: it grows with 2 i + h, and of r only r % 2 matters.
  uint column_of(uint r, uint h, uint i) const thread {
    return has_matrices() ? first_column() + (i * 2 + h) * 8 + places[r % 2] % 8 : column_quad() + 16 * h + 32 * i;
  }

  // Of sums[r], among those of the 16 threads that share their row.
  uint slot_of(uint r) const thread { return has_matrices() ? first_column() / 8 + places[r % 2] % 8 : column_quad(); }

  // What a thread loads: a quad of A (threads below 128) or of B, in one of a step's four chunks.
  bool loads_a() const thread { return t < 128; }
  uint loaded_quad() const thread { return t & 31; }
  uint loaded_chunk() const thread { return t >> 5 & 3; }

  void clear() thread {
    UNROLL for (uint r = 0; r < 8; r++) sums[r][0] = sums[r][1] = float4(0);
    if (!has_matrices()) return;
    UNROLL for (uint i = 0; i < 32; i++) parts[i / 8][i % 8] = simdgroup_float8x8(0);
  }

  void add_chunk(uint chunk) thread {
    UNROLL for (uint d = 0; d < 4; d++) {
      const uint line = (chunk * 4 + d) * 32, a_quad = line + row_quad(), b_quad = 512 + line + column_quad();
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

  void add_matrices(uint dimensions) thread {
    threadgroup const float* a = (threadgroup const float*)memory + first_row() * PITCH;
    threadgroup const float* b = (threadgroup const float*)memory + (TILE + first_column()) * PITCH;
    for (uint d = 0; d < dimensions; d += 8) {
      simdgroup_float8x8 left[4], right;
      UNROLL for (uint i = 0; i < 4; i++) simdgroup_load(left[i], a + i * 8 * PITCH + d, PITCH);
      UNROLL for (uint j = 0; j < 8; j++) {
        simdgroup_load(right, b + j * 8 * PITCH + d, PITCH, ulong2(0), true);
        UNROLL for (uint i = 0; i < 4; i++) simdgroup_multiply_accumulate(parts[i][j], left[i], right, parts[i][j]);
      }
    }
  }

  // Adds a step of up to four chunks, of which `left` are live; each thread brings the four rows of its quad, zeros
  // where there are no more chunks.
  void add_step(thread const float4* rows, uint left) thread {
    const uint side = loads_a() ? 0 : 1, chunk = loaded_chunk(), count = min(4u, left);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint i = 0; i < 4; i++) {
      if (has_matrices()) {
        memory[(side * TILE + loaded_quad() + 32 * i) * (PITCH / 4) + chunk] = rows[i];
      } else {
        memory[side * 512 + (chunk * 4 + i) * 32 + loaded_quad()] =
            float4(rows[0][i], rows[1][i], rows[2][i], rows[3][i]);
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (has_matrices()) {
      add_matrices(count * 4);
    } else {
      for (uint n = 0; n < count; n++) add_chunk(n);
    }
  }

  // Behind the last step.
  void finish() thread {
    if (!has_matrices()) return;
    UNROLL for (uint r = 0; r < 8; r++) {
      UNROLL for (uint j = 0; j < 8; j++) sums[r][j % 2][j / 2] = parts[r / 2][j].thread_elements()[r % 2];
    }
  }
};
