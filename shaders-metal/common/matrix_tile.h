// Tiles of a matrix product whose sides come in chunks of four numbers along the summed dimension. `Sides` has
//   float4 a(uint row, uint chunk) and float4 b(uint row, uint chunk): zeros where there is nothing.
#include "common/tile_products.h"

// tile.sums = rows of A from `first_row` on by rows of B from `first_column` on. Neighbouring threads read neighbouring
// rows, whose chunks lie side by side in packed rows and weights.
template <class Sides>
inline void sum_tile(thread Tile& tile, thread Sides& sides, uint first_row, uint first_column, uint chunks) {
  tile.clear();
  for (uint done = 0; done < chunks; done += 4) {
    const uint chunk = done + tile.loaded_chunk(), quad = tile.loaded_quad();
    float4 rows[4];
    UNROLL for (uint i = 0; i < 4; i++) {
      rows[i] = float4(0);
      if (chunk >= chunks) continue;
      rows[i] =
          tile.loads_a() ? sides.a(first_row + quad + 32 * i, chunk) : sides.b(first_column + quad + 32 * i, chunk);
    }
    tile.add_step(rows, chunks - done);
  }
  tile.finish();
}
