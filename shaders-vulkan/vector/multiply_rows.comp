#version 460
// products[a][b] = scale * (row a of left . row b of right), all row-major.
// check: the first left (1) or right (2) row with too large a product.
// One workgroup: side x side products (64 or 32), 4 x 4 a thread; at 32 four slices of threads share the dimensions.
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint side = 64;
layout(constant_id = 1) const uint check = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer left_ { vec4 left[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer right_ { vec4 right[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer products_ { float products[]; };
layout(set = 0, binding = 3, std430) restrict buffer first_invalid_ { uint first_invalid[]; };
layout(push_constant) uniform Params { uint rows, columns, chunks, stride; float scale; };

// 2^55, whose square can be summed 65536 times. NaN and infinity have larger bits.
const uint LIMIT = 0x5B000000u;
// Quad q of a side is its rows q, q + QUADS, q + 2 * QUADS, q + 3 * QUADS.
const uint QUADS = side / 4;
const uint SLICES = side == 64 ? 1 : 4;
const uint STEP = 512 / side;  // chunks of four dimensions at a time
shared vec4 memory[1024];      // [left, right][STEP * 4 dimensions][QUADS]
vec4 sums[4];                  // [row], over the quad's four columns

// Row and column quads of a thread: 8 columns x 4 rows of a 32-wide subgroup balance what it reads of both sides.
uvec2 place_of(uint thread) {
  const uint part = thread / 32 % (8 / SLICES);
  return uvec2(part / (QUADS / 8) * 4 + thread / 8 % 4, part % (QUADS / 8) * 8 + thread % 8);
}

// Neighbouring threads read neighbouring chunks of a row.
void fetch(uint first, out vec4 quad[4]) {
  const uint t = gl_LocalInvocationIndex, loaded = t % 128;
  const uint chunk = first + loaded % STEP;
  const uint row = (t < 128 ? gl_WorkGroupID.x : gl_WorkGroupID.y) * side + loaded / STEP;
  const uint end = t < 128 ? rows : columns;
  [[unroll]] for (uint i = 0; i < 4; i++) {
    quad[i] = vec4(0);
    const uint at = row + i * QUADS;
    if (at < end && chunk < chunks) quad[i] = t < 128 ? left[at * chunks + chunk] : right[at * chunks + chunk];
  }
}

// Each chunk's quads are turned by its number, so that a store's threads, one for each chunk, meet different banks.
uint line_of(uint chunk, uint quad) { return chunk * 4 * QUADS + ((quad + chunk) & (QUADS - 1)); }

void keep(vec4 quad[4]) {
  const uint t = gl_LocalInvocationIndex, loaded = t % 128;
  const uint target = t / 128 * 512 + line_of(loaded % STEP, loaded / STEP);
  [[unroll]] for (uint d = 0; d < 4; d++)
    memory[target + d * QUADS] = vec4(quad[0][d], quad[1][d], quad[2][d], quad[3][d]);
}

void add_step(uint slice, uvec2 place) {
  for (uint chunk = slice; chunk < STEP; chunk += SLICES) {
    const uint a_line = line_of(chunk, place.x), b_line = 512 + line_of(chunk, place.y);
    [[unroll]] for (uint d = 0; d < 4; d++) {
      const vec4 a = memory[a_line + d * QUADS], b = memory[b_line + d * QUADS];
      [[unroll]] for (uint r = 0; r < 4; r++) sums[r] = fma(vec4(a[r]), b, sums[r]);
    }
  }
}

void put(uint r, uvec2 place, vec4 sum) {
  const uint row = gl_WorkGroupID.x * side + place.x + r * QUADS;
  [[unroll]] for (uint i = 0; i < 4; i++) {
    const uint column = gl_WorkGroupID.y * side + place.y + i * QUADS;
    if (row >= rows || column >= columns) continue;
    products[row * stride + column] = scale * sum[i];
    if (check != 0 && (floatBitsToUint(sum[i]) & 0x7FFFFFFFu) >= LIMIT)
      atomicMin(first_invalid[0], check == 1 ? row : column);
  }
}

void main() {
  const uint t = gl_LocalInvocationIndex;
  const uint slice = t / (256 / SLICES);
  const uvec2 place = place_of(t);
  [[unroll]] for (uint r = 0; r < 4; r++) sums[r] = vec4(0);
  vec4 quad[4];
  fetch(0, quad);
  for (uint first = 0; first < chunks; first += STEP) {
    barrier();
    keep(quad);
    barrier();
    // The next step's loads travel while this one is added up.
    fetch(first + STEP, quad);
    add_step(slice, place);
  }
  if (SLICES == 1) {
    [[unroll]] for (uint r = 0; r < 4; r++) put(r, place, sums[r]);
    return;
  }
  barrier();
  [[unroll]] for (uint r = 0; r < 4; r++) memory[slice * 256 + r * 64 + t % 64] = sums[r];
  barrier();
  vec4 sum = memory[t];
  for (uint s = 1; s < SLICES; s++) sum += memory[s * 256 + t];
  put(t / 64, place_of(t % 64), sum);
}
