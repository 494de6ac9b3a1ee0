// latent = activate(weights x + bias), scaled to length 1 when normalize; scale = max|latent| / 127, code = latent /
// scale. One threadgroup: 128 vectors against all latent dimensions, 128 at a time; more than 128 of them are computed
// twice.
#include "contracts/codec_encode.h"

#include "common/activation.h"
#include "common/index.h"
#include "common/matrix_tile.h"

struct Sides {
  device const float* vectors;
  device const float4* weights;
  constant Params& params;
  uint invalid_row;  // lowest of this thread's rows with a number that is not finite

  // Rows past the last read the last: nothing of theirs is written.
  float4 a(uint row, uint chunk) thread {
    const uint live_row = min(row, params.rows - 1), live = params.dimensions - chunk * 4;
    device const float* from = vectors + live_row * params.dimensions + chunk * 4;
    float4 values = float4(0);
    UNROLL for (uint i = 0; i < 4; i++) {
      if (i < live) values[i] = from[i];
    }
    if (!all(isfinite(values))) invalid_row = min(invalid_row, live_row);
    return values;
  }
  float4 b(uint row, uint chunk) const thread { return weights[packed_index(row, (params.dimensions + 3) / 4, chunk)]; }
};

struct Encoder {
  Tile tile;
  Sides sides;
  uint first_row;
  float largest[8], squares[8];  // of a row's latents

  void sum_latents(device const float* bias, uint first) thread {
    sum_tile(tile, sides, first_row, first, (sides.params.dimensions + 3) / 4);
    UNROLL for (uint n = 0; n < 2; n++) {
      UNROLL for (uint i = 0; i < 8; i++) {
        const uint column = first + tile.column_of(n, i % 2, i / 2);
        const bool live = column < sides.params.latent_dimensions;
        const float offset = live ? bias[column] : 0;
        UNROLL for (uint r = n; r < 8; r += 2) {
          thread float4& four = tile.sums[r][i % 2];
          four[i / 2] = live ? activate(activation, four[i / 2] + offset) : 0;
        }
      }
    }
  }

  void measure() thread {
    UNROLL for (uint r = 0; r < 8; r++) {
      UNROLL for (uint h = 0; h < 2; h++) {
        const float4 size = abs(tile.sums[r][h]);
        largest[r] = max(largest[r], max(max(size.x, size.y), max(size.z, size.w)));
        squares[r] += dot(size, size);
      }
    }
  }

  // Every thread gets its rows' largest magnitude and sum of squares; 16 threads share a row.
  void reduce_rows() thread {
    threadgroup float2* parts = (threadgroup float2*)tile.memory;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint r = 0; r < 8; r++) {
      parts[tile.row_of(r) * 16 + tile.slot_of(r)] = float2(largest[r], squares[r]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint r = 0; r < 8; r++) {
      largest[r] = squares[r] = 0;
      for (uint i = 0; i < 16; i++) {
        const float2 part = parts[tile.row_of(r) * 16 + i];
        largest[r] = max(largest[r], part.x);
        squares[r] += part.y;
      }
    }
  }

  void write_scales(device float* scales) thread {
    UNROLL for (uint r = 0; r < 8; r++) {
      const uint row = first_row + tile.row_of(r);
      if (row >= sides.params.rows || tile.slot_of(r) != 0) continue;
      const float size = ::normalize == 1 && squares[r] > 0 ? sqrt(squares[r]) : 1;
      scales[row] = largest[r] / 127 / size;
      const bool sound = isfinite(largest[r]) && (::normalize == 0 || isfinite(squares[r]));
      if (!sound) sides.invalid_row = min(sides.invalid_row, row);
    }
  }

  // The tile's codes meet in threadgroup memory, of which words are written.
  void write_codes(device uint* codes, uint first) const thread {
    threadgroup char* parts = (threadgroup char*)tile.memory;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint r = 0; r < 8; r++) {
      UNROLL for (uint h = 0; h < 2; h++) {
        // A division: the reciprocal of a tiny maximum would overflow.
        const float4 units = largest[r] > 0 ? tile.sums[r][h] / largest[r] * 127 : float4(0);
        const int4 code = int4(clamp(floor(units + 0.5f), float4(-127), float4(127)));
        UNROLL for (uint i = 0; i < 4; i++) parts[tile.row_of(r) * TILE + tile.column_of(r, h, i)] = char(code[i]);
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const uint words = (sides.params.latent_dimensions + 3) / 4, word = first / 4 + tile.t % 32;
    for (uint r = tile.t / 32; r < TILE && first_row + r < sides.params.rows; r += 8) {
      if (word < words) codes[(first_row + r) * words + word] = ((threadgroup const uint*)parts)[r * 32 + tile.t % 32];
    }
  }
};

[[max_total_threads_per_threadgroup(256)]] kernel void codec_encode(
    device const float* vectors [[buffer(0)]], device const float4* weights [[buffer(1)]],
    device const float* bias [[buffer(2)]], device uint* codes [[buffer(3)]], device float* scales [[buffer(4)]],
    device atomic_uint* first_invalid [[buffer(5)]], constant Params& params [[buffer(6)]],
    uint group [[threadgroup_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[TILE_MEMORY];
  Encoder encoder = {Tile(memory, t, false), {vectors, weights, params, NONE}, group * TILE, {}, {}};
  const uint tiles = (params.latent_dimensions + TILE - 1) / TILE;
  // First all tiles are measured, then all are written; a single tile stays where it is in between.
  for (uint pass = 0; pass < tiles * 2; pass++) {
    const uint first = pass % tiles * TILE;
    if (pass == 0 || tiles > 1) encoder.sum_latents(bias, first);
    if (pass < tiles) encoder.measure();
    if (pass == tiles - 1) {
      encoder.reduce_rows();
      encoder.write_scales(scales);
    }
    if (pass >= tiles) encoder.write_codes(codes, first);
  }
  const uint invalid_row = encoder.sides.invalid_row;
  if (invalid_row != NONE) atomic_fetch_min_explicit(&first_invalid[0], invalid_row, memory_order_relaxed);
}
