// What attention kernels of a chunk of rows share: which tokens a row sees, and queries.
#include "common/lanes.h"

#include "common/pages.h"
#include "common/store_columns.h"
#include "common/unroll.h"

constexpr constant float LEAST = -1e30;  // finite, so that differences of it are numbers

// 64 rows of a head.
struct Chunk {
  uint first, live, head;  // first row; those of the 64 that are live
  uint position, window;   // of the first row
  uint begin, end;         // of the tokens that any of the rows sees

  uint start_of(uint place) const thread { return window == 0 || place + 1 <= window ? 0 : place + 1 - window; }
  bool sees(uint row, uint token) const thread { return token <= position + row && token >= start_of(position + row); }
};

// For a whole SIMD-group at once.
inline Chunk chunk_of(constant Params& params, device const uint4* steps, uint3 group, uint lane) {
  Chunk chunk = {group.x * 64, 0, group.y, steps[0].y + group.x * 64, params.window, 0, 0};
  for (uint row = lane; row < 64 && chunk.first + row < params.rows; row += 32) {
    if (steps[chunk.first + row].w != 0) chunk.live = row + 1;
  }
  chunk.live = simd_max(chunk.live);
  if (chunk.live == 0) return chunk;
  chunk.begin = chunk.start_of(chunk.position);
  chunk.end = chunk.position + chunk.live;
  return chunk;
}

// Eight numbers of row `row` of the chunk; zeros where there is nothing.
inline Eight query_part(Chunk chunk, device const uint4* queries, uint heads, uint row, uint part) {
  if (row >= chunk.live || part >= PARTS) return {float4(0), float4(0)};
  const uint at = ((chunk.first + row) * heads + chunk.head) * PARTS + part;
  if (half_queries == 1) return halves_of(queries[at]);
  return {as_type<float4>(queries[2 * at]), as_type<float4>(queries[2 * at + 1])};
}

// Eight keys or values of a token; zeros where no row sees it: what was never written may be no number.
inline uint4 cached_part(Chunk chunk, Pages pages, device const uint4* from, uint token, uint part) {
  if (part >= PARTS || token < chunk.begin || token >= chunk.end) return uint4(0);
  return from[pages.at(token, part)];
}
