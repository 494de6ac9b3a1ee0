#version 460
// counts[m, k, b] += number of points of block b that have label k in subspace m.
// One workgroup counts one block of one subspace, in shared memory where the clusters fit.

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer labels_ { uint labels[]; };
layout(set = 0, binding = 1, std430) restrict buffer counts_ { uint counts[]; };
layout(push_constant) uniform Params { uint rows, clusters, block, blocks; };

const uint BINS = 4096;
shared uint bins[BINS];

void main() {
  const uint first = gl_WorkGroupID.x * block;
  const uint last = min(first + block, rows);
  const uint from = gl_WorkGroupID.y * rows;
  const uint to = gl_WorkGroupID.y * clusters * blocks + gl_WorkGroupID.x;
  if (clusters > BINS) {
    for (uint i = first + gl_LocalInvocationIndex; i < last; i += 256) {
      atomicAdd(counts[to + labels[from + i] * blocks], 1);
    }
    return;
  }
  for (uint k = gl_LocalInvocationIndex; k < clusters; k += 256) bins[k] = 0;
  barrier();
  for (uint i = first + gl_LocalInvocationIndex; i < last; i += 256) atomicAdd(bins[labels[from + i]], 1);
  barrier();
  for (uint k = gl_LocalInvocationIndex; k < clusters; k += 256) {
    if (bins[k] > 0) counts[to + k * blocks] += bins[k];
  }
}
