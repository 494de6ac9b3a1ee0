#version 460
// distances[q][r] = |q - x_r|^2, or minus the inner product.
// One workgroup: 128 queries against 128 stored rows.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint metric = 0;
layout(constant_id = 1) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { vec4 queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer storage_ { vec4 storage[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer distances_ { float distances[]; };
layout(push_constant) uniform Params { uint query_count, rows, chunks, stride; };

#define FETCH_A(i) queries[i]
#define FETCH_B(i) storage[i]
const bool DIRECT = metric == 0;
#include "../common/distance_tile.glsl"

void main() {
  const uint first_query = gl_WorkGroupID.y * TILE, first_row = gl_WorkGroupID.x * TILE;
  sum_tile(first_query / 32, first_row / 32, chunks, 0, chunks);
  [[unroll]] for (uint r = 0; r < 8; r++) [[unroll]] for (uint h = 0; h < 2; h++) [[unroll]] for (uint i = 0; i < 4; i++) {
    const uint query = first_query + row_of(r), row = first_row + column_of(h, i);
    const float sum = tile_sums[r][h][i];
    if (query < query_count && row < rows) distances[query * stride + row] = metric == 0 ? sum : -sum;
  }
}
