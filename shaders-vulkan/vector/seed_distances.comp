#version 460
// nearest[m, row] = min(nearest, |point - newest centroid|^2); sums[m, b] = sum of nearest over block b of 1024 rows.
// One workgroup handles one block of one subspace, 4 rows a thread.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer points_ { vec4 points[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer centroids_ { vec4 centroids[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer steps_ { uint steps[]; };
layout(set = 0, binding = 3, std430) restrict buffer nearest_ { float nearest[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer sums_ { float sums[]; };
layout(push_constant) uniform Params { uint rows, chunks, subspace_chunks, blocks; };

#include "../common/index.glsl"
#include "../common/sum.glsl"

void main() {
  const uint m = gl_WorkGroupID.y;
  const uint newest = steps[m] - 1;
  const uint first_row = gl_WorkGroupID.x * 1024 + gl_LocalInvocationIndex;
  uvec4 row = first_row + uvec4(0, 256, 512, 768);
  uvec4 element;
  for (uint j = 0; j < 4; ++j) element[j] = packed_index(min(row[j], rows - 1), chunks, m * subspace_chunks);
  vec4 sum = vec4(0);
  for (uint c = 0; c < subspace_chunks; ++c) {
    const vec4 center = centroids[packed_index(newest, chunks, m * subspace_chunks + c)];
    const vec4 d0 = points[element.x + c * 32] - center;
    const vec4 d1 = points[element.y + c * 32] - center;
    const vec4 d2 = points[element.z + c * 32] - center;
    const vec4 d3 = points[element.w + c * 32] - center;
    sum += vec4(dot(d0, d0), dot(d1, d1), dot(d2, d2), dot(d3, d3));
  }
  float own = 0;
  for (uint j = 0; j < 4; ++j) {
    if (row[j] >= rows) break;
    const uint i = m * rows + row[j];
    const float value = newest == 0 ? sum[j] : min(nearest[i], sum[j]);
    nearest[i] = value;
    own += value;
  }
  const float total = workgroup_sum(own);
  if (gl_LocalInvocationIndex == 0) sums[m * blocks + gl_WorkGroupID.x] = total;
}
