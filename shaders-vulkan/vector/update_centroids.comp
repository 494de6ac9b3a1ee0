#version 460
// centroid = sum over the splits / size; normalize: the sum scaled to length 1; empty clusters keep their centroid.
// A workgroup handles 8 clusters of a subspace at a time, 32 chunk lanes each; any number of workgroups will do.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint normalize = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer sums_ { vec4 sums[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer sizes_ { uint sizes[]; };
layout(set = 0, binding = 2, std430) restrict buffer centroids_ { vec4 centroids[]; };
layout(push_constant) uniform Params { uint clusters, padded_clusters, chunks, subspace_chunks, splits; };

#include "../common/index.glsl"

shared float norms[256];

void main() {
  const uint t = gl_LocalInvocationIndex;
  const uint pairs = clusters * (chunks / subspace_chunks);
  const uint step = 8 * gl_NumWorkGroups.x * gl_NumWorkGroups.y * gl_NumWorkGroups.z;
  for (uint base = 8 * linear_workgroup(); base < pairs; base += step) {
    const uint pair = min(base + t % 8, pairs - 1);
    const uint size = base + t % 8 < pairs ? sizes[pair] : 0;
    const uint end = size == 0 ? 0 : subspace_chunks;
    const uint first = packed_index(pair % clusters, chunks, pair / clusters * subspace_chunks);
    const float scale = normalize == 1 ? 1 : 1 / float(size);
    float norm = 0;
    for (uint c = t / 8; c < end; c += 32) {
      vec4 sum = vec4(0);
      for (uint s = 0; s < splits; ++s) sum += sums[s * padded_clusters * chunks + first + c * 32];
      norm += dot(sum, sum);
      centroids[first + c * 32] = sum * scale;
    }
    if (normalize == 0) continue;
    barrier();
    norms[t] = norm;
    barrier();
    norm = 0;
    for (uint i = t % 8; i < 256; i += 8) norm += norms[i];
    for (uint c = t / 8; c < end && norm > 0; c += 32) centroids[first + c * 32] /= sqrt(norm);
  }
}
