// Tiles of a matrix product whose sides come in chunks of four numbers along the summed dimension. The includer defines
//   vec4 fetch_a(uint row, uint chunk), vec4 fetch_b(uint row, uint chunk): zeros where there is nothing, and
//   COLUMN(quad, i): the row of B, within the tile, of component i of a quad (32 quads).
const bool DIRECT = false;
#include "tile_products.glsl"

// Column, within the tile, of component i of tile_sums[][h].
uint column_of(uint h, uint i) { return COLUMN(tile_column() + 16 * h, i); }

void sum_tile(uint first_row, uint first_column, uint chunks) {
  clear_tile();
  for (uint done = 0; done < chunks; done += 4) {
    vec4 rows[4];
    [[unroll]] for (uint i = 0; i < 4; i++) {
      rows[i] = vec4(0);
      if (done + loaded_chunk() < chunks) {
        if (loads_a()) rows[i] = fetch_a(first_row + loaded_quad() + 32 * i, done + loaded_chunk());
        else rows[i] = fetch_b(first_column + COLUMN(loaded_quad(), i), done + loaded_chunk());
      }
    }
    add_step(rows, chunks - done);
  }
}
