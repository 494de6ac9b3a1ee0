// Tiles of packed rows: 128 rows of A against 128 rows of B. The includer defines FETCH_A(i) and FETCH_B(i), which read
// element i of a packed-rows buffer, and what tile_products.glsl asks for.
// Reading one row of each of the tile's four groups keeps global loads contiguous over the threads.
#include "tile_products.glsl"

// Column, within the tile, of component i of tile_sums[][h].
uint column_of(uint h, uint i) { return tile_column() + 16 * h + 32 * i; }

// tile_sums = the tile's sums over `count` chunks from `first` on; groups are the tiles' first groups of 32 rows.
void sum_tile(uint a_group, uint b_group, uint chunks, uint first, uint count) {
  clear_tile();
  const uint group = loads_a() ? a_group : b_group;
  for (uint done = 0; done < count; done += 4) {
    // Not loaded a step ahead: the registers that would take halve the workgroups that hide the wait.
    vec4 rows[4];
    [[unroll]] for (uint i = 0; i < 4; i++) {
      rows[i] = vec4(0);
      const uint element = ((group + i) * chunks + first + done + loaded_chunk()) * 32 + loaded_quad();
      if (done + loaded_chunk() < count) rows[i] = loads_a() ? FETCH_A(element) : FETCH_B(element);
    }
    add_step(rows, count - done);
  }
}
