// products[a][b] = scale * (row a of left . row b of right), all row-major.
// check: the first left (1) or right (2) row with too large a product.
// One threadgroup: side x side products (64 or 32), 4 x 4 a thread; at 32 four slices of threads share the dimensions.
#include "contracts/multiply_rows.h"

#include "common/unroll.h"

// 2^55, whose square can be summed 65536 times. NaN and infinity have larger bits.
constexpr constant uint LIMIT = 0x5B000000;
// Quad q of a side is its rows q, q + QUADS, q + 2 * QUADS, q + 3 * QUADS.
constant uint QUADS = side / 4;
constant uint SLICES = side == 64 ? 1 : 4;
constant uint STEP = 512 / side;  // chunks of four dimensions at a time

// Row and column quads of a thread: 8 columns x 4 rows of a SIMD-group balance what it reads of both sides.
inline uint2 place_of(uint t) {
  const uint part = t / 32 % (8 / SLICES);
  return uint2(part / (QUADS / 8) * 4 + t / 8 % 4, part % (QUADS / 8) * 8 + t % 8);
}

// Each chunk's quads are turned by its number, so that a store's threads, one for each chunk, meet different banks.
inline uint line_of(uint chunk, uint quad) { return chunk * 4 * QUADS + ((quad + chunk) & (QUADS - 1)); }

// What a thread loads of its side: neighbouring threads read neighbouring chunks of a row.
struct Source {
  device const float4* values;
  uint row, rows, chunk, chunks;

  void fetch(uint first, thread float4* quad) const thread {
    UNROLL for (uint i = 0; i < 4; i++) {
      const uint at = row + i * QUADS, from = first + chunk;
      quad[i] = at < rows && from < chunks ? values[at * chunks + from] : float4(0);
    }
  }
};

// Chunks [slice, slice + SLICES ..) of a step.
inline void add_step(threadgroup const float4* memory, uint slice, uint2 place, thread float4* sums) {
  for (uint chunk = slice; chunk < STEP; chunk += SLICES) {
    const uint a_line = line_of(chunk, place.x), b_line = 512 + line_of(chunk, place.y);
    UNROLL for (uint d = 0; d < 4; d++) {
      const float4 a = memory[a_line + d * QUADS], b = memory[b_line + d * QUADS];
      UNROLL for (uint r = 0; r < 4; r++) { sums[r] = fma(float4(a[r]), b, sums[r]); }
    }
  }
}

struct Result {
  device float* products;
  device atomic_uint* first_invalid;
  constant Params& params;

  void put(uint row, uint first_column, float4 sum) const thread {
    UNROLL for (uint i = 0; i < 4; i++) {
      const uint column = first_column + i * QUADS;
      if (row >= params.rows || column >= params.columns) continue;
      products[row * params.stride + column] = params.scale * sum[i];
      if (check != 0 && (as_type<uint>(sum[i]) & 0x7FFFFFFF) >= LIMIT)
        atomic_fetch_min_explicit(&first_invalid[0], check == 1 ? row : column, memory_order_relaxed);
    }
  }
};

[[max_total_threads_per_threadgroup(256)]] kernel void multiply_rows(device const float4* left [[buffer(0)]],
                                                                     device const float4* right [[buffer(1)]],
                                                                     device float* products [[buffer(2)]],
                                                                     device atomic_uint* first_invalid [[buffer(3)]],
                                                                     constant Params& params [[buffer(4)]],
                                                                     uint2 group [[threadgroup_position_in_grid]],
                                                                     uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[1024];  // [left, right][STEP * 4 dimensions][QUADS]
  const uint slice = t / (256 / SLICES), loaded = t % 128;
  const uint2 place = place_of(t), first = group * side;
  const Source source = {t < 128 ? left : right, (t < 128 ? first.x : first.y) + loaded / STEP,
                         t < 128 ? params.rows : params.columns, loaded % STEP, params.chunks};
  const uint target = t / 128 * 512 + line_of(loaded % STEP, loaded / STEP);
  float4 sums[4] = {float4(0), float4(0), float4(0), float4(0)};  // [row], over the quad's four columns
  float4 quad[4];
  source.fetch(0, quad);
  for (uint chunk = 0; chunk < params.chunks; chunk += STEP) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint d = 0; d < 4; d++) {
      memory[target + d * QUADS] = float4(quad[0][d], quad[1][d], quad[2][d], quad[3][d]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    // The next step's loads travel while this one is added up.
    source.fetch(chunk + STEP, quad);
    add_step(memory, slice, place, sums);
  }
  const Result result = {products, first_invalid, params};
  if (SLICES == 1) {
    UNROLL for (uint r = 0; r < 4; r++) { result.put(first.x + place.x + r * QUADS, first.y + place.y, sums[r]); }
    return;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  UNROLL for (uint r = 0; r < 4; r++) { memory[slice * 256 + r * 64 + t % 64] = sums[r]; }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const float4 sum = (memory[t] + memory[256 + t]) + (memory[512 + t] + memory[768 + t]);
  const uint2 own = first + place_of(t % 64);
  result.put(own.x + t / 64 * QUADS, own.y, sum);
}
