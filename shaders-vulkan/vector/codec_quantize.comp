#version 460
// rounded = what the latent's int8 code stands for. backward: the gradient through the scaling to length 1 instead.
// One workgroup: 8 rows, 32 threads each.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint normalize = 0;
layout(constant_id = 1) const uint backward = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer latent_ { float latent[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer gradient_ { float gradient[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer rounded_ { float rounded[]; };
layout(push_constant) uniform Params { uint rows, latent_dimensions; };

#include "../common/index.glsl"

shared vec3 parts[256];  // largest magnitude, sum of squares, latent . gradient

vec3 row_totals(vec3 part) {
  const uint t = gl_LocalInvocationIndex;
  parts[t] = part;
  barrier();
  for (uint width = 16; width > 0; width /= 2) {
    if (t % 32 < width) {
      const vec3 other = parts[t + width];
      parts[t] = vec3(max(parts[t].x, other.x), parts[t].yz + other.yz);
    }
    barrier();
  }
  return parts[t / 32 * 32];
}

void main() {
  const uint row = linear_workgroup() * 8 + gl_LocalInvocationIndex / 32, lane = gl_LocalInvocationIndex % 32;
  const uint base = row * latent_dimensions;
  vec3 part = vec3(0);
  for (uint i = lane; row < rows && i < latent_dimensions; i += 32) {
    const float z = latent[base + i];
    const float g = backward == 1 ? gradient[base + i] : 0;
    part = vec3(max(part.x, abs(z)), part.y + z * z, part.z + z * g);
  }
  const vec3 total = row_totals(part);
  const float size = normalize == 1 && total.y > 0 ? sqrt(total.y) : 1;
  for (uint i = lane; row < rows && i < latent_dimensions; i += 32) {
    const float z = latent[base + i];
    if (backward == 1) {
      rounded[base + i] = total.y > 0 ? (gradient[base + i] - z * (total.z / total.y)) / size : 0;
    } else {
      const float code = total.x > 0 ? floor(z / total.x * 127 + 0.5) : 0;
      rounded[base + i] = code * (total.x / 127 / size);
    }
  }
}
