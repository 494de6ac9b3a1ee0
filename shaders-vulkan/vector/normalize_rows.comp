#version 460
// vectors[r] /= |vectors[r]| for row-major rows of `chunks` times four numbers; zero rows stay zero.
// One workgroup: 32 rows, 8 threads each.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) restrict buffer vectors_ { vec4 vectors[]; };
layout(push_constant) uniform Params { uint rows, chunks; };

#include "../common/index.glsl"

shared float partial[256];

void main() {
  const uint t = gl_LocalInvocationIndex;
  const uint row = linear_workgroup() * 32 + t / 8;
  const uint end = row < rows ? chunks : 0;
  float own = 0;
  for (uint chunk = t % 8; chunk < end; chunk += 8) {
    const vec4 value = vectors[row * chunks + chunk];
    own += dot(value, value);
  }
  partial[t] = own;
  barrier();
  float sum = 0;
  for (uint i = 0; i < 8; i++) sum += partial[t / 8 * 8 + i];
  if (!(sum > 0)) return;
  const float scale = 1 / sqrt(sum);
  for (uint chunk = t % 8; chunk < end; chunk += 8) vectors[row * chunks + chunk] *= scale;
}
