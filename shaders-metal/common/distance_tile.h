// Tiles of packed rows: 128 rows of A against 128 rows of B.
// Reading one row of each of the tile's four groups keeps device loads contiguous over the threads.
#include "common/tile_products.h"

// tile.sums = the sums over `count` chunks; a and b are where these begin in the first of the tile's four groups of 32
// rows, and groups have `row_chunks` chunks.
inline void sum_tile(thread Tile& tile, device const float4* a, device const float4* b, uint row_chunks, uint count) {
  tile.clear();
  device const float4* side = tile.loads_a() ? a : b;
  for (uint done = 0; done < count; done += 4) {
    // Not loaded a step ahead: the registers that would take halve the threadgroups that hide the wait.
    const uint chunk = done + tile.loaded_chunk();
    float4 rows[4];
    UNROLL for (uint i = 0; i < 4; i++) {
      rows[i] = chunk < count ? side[(i * row_chunks + chunk) * 32 + tile.loaded_quad()] : float4(0);
    }
    tile.add_step(rows, count - done);
  }
  tile.finish();
}
