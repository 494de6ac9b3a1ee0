#version 460
// minima[q][t] = smallest distance of query q to the 128 stored rows of tile t: squared L2 or minus the inner product.
// One workgroup: one tile of stored rows against 128 queries.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint metric = 0;
layout(constant_id = 1) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { vec4 queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer storage_ { vec4 storage[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer minima_ { float minima[]; };
layout(push_constant) uniform Params { uint query_count, rows, chunks, first_tile, stride; };

#define FETCH_A(i) storage[i]
#define FETCH_B(i) queries[i]
const bool DIRECT = metric == 0;
#include "../common/distance_tile.glsl"

void main() {
  // Workgroups that follow each other share a tile of stored rows, so that memory delivers it once.
  const uint linear = gl_WorkGroupID.x + gl_NumWorkGroups.x * gl_WorkGroupID.y;
  const uint tile = linear / gl_NumWorkGroups.y, query_tile = linear % gl_NumWorkGroups.y;
  sum_tile(tile * 4, query_tile * 4, chunks, 0, chunks);

  barrier();
  [[unroll]] for (uint i = 0; i < 4; i++) [[unroll]] for (uint h = 0; h < 2; h++) {
    float smallest = uintBitsToFloat(0x7F800000);
    [[unroll]] for (uint r = 0; r < 8; r++) {
      const float distance = metric == 0 ? tile_sums[r][h][i] : -tile_sums[r][h][i];
      if (tile * TILE + row_of(r) < rows) smallest = min(smallest, distance);
    }
    tile_memory[column_of(h, i) * 4 + (tile_row() >> 2)][tile_row() & 3] = smallest;
  }
  barrier();
  const uint query = query_tile * TILE + tile_thread;
  if (tile_thread >= TILE || query >= query_count) return;
  vec4 smallest = tile_memory[tile_thread * 4];
  for (uint i = 1; i < 4; i++) smallest = min(smallest, tile_memory[tile_thread * 4 + i]);
  minima[query * stride + first_tile + tile] = min(min(smallest.x, smallest.y), min(smallest.z, smallest.w));
}
