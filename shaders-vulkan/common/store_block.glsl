// Writes blocks of 32 numbers of an activation in the form `form`: 0 floats, 1 halves, 2 signed bytes with a scale.
// The includer has the constant form and buffers values_ { uint values[]; } and blocks_ { vec4 blocks[]; }, or names others
// with STORED_VALUES and STORED_BLOCKS. The same bytes at any subgroup size.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#ifndef STORED_VALUES
#define STORED_VALUES values
#define STORED_BLOCKS blocks
#endif

shared vec2 stored_pairs[gl_WorkGroupSize.x];

// What the thread at `distance` (below 32) has.
vec2 stored_partner(vec2 own, uint distance) {
  if (gl_SubgroupSize >= 32) return subgroupShuffleXor(own, distance);
  const uint t = gl_LocalInvocationIndex;
  barrier();
  stored_pairs[t] = own;
  barrier();
  return stored_pairs[t ^ distance];
}

uint stored_word(uint own, uint distance) {
  return own | floatBitsToUint(stored_partner(vec2(uintBitsToFloat(own), 0), distance).x);
}

// For the whole workgroup at once: 32 neighbouring threads bring the numbers of one block, `before` those that the squares
// are summed of; a block that is not live is not written.
void store_blocks(uint block, bool live, float value, float before) {
  const uint lane = gl_LocalInvocationIndex % 32;
  vec2 most = vec2(abs(value), before * before);  // and the sum of squares
  for (uint distance = 16; distance > 0; distance >>= 1) {
    const vec2 other = stored_partner(most, distance);
    most = vec2(max(most.x, other.x), most.y + other.y);
  }
  if (form == 0) {
    if (live) STORED_VALUES[block * 32 + lane] = floatBitsToUint(value);
  } else if (form == 1) {
    const uint word = packHalf2x16(vec2(value, stored_partner(vec2(value, 0), 1).x));
    if (live && lane % 2 == 0) STORED_VALUES[block * 16 + lane / 2] = word;
  }
  if (form != 2) {
    if (live && lane == 0) STORED_BLOCKS[block] = vec4(1, 0, most.y, 0);
    return;
  }
  // Below that the inverse would overflow.
  const bool zero = most.x < 1e-35;
  const int quant = zero ? 0 : int(roundEven(value * (127 / most.x)));
  uint word = uint(quant & 255) << 8 * (lane % 4);
  word = stored_word(word, 1);
  word = stored_word(word, 2);
  vec2 sum = vec2(quant, 0);
  for (uint distance = 16; distance > 0; distance >>= 1) sum += stored_partner(sum, distance);
  const float scale = zero ? 0 : most.x / 127;
  if (live && lane % 4 == 0) STORED_VALUES[block * 8 + lane / 4] = word;
  if (live && lane == 0) STORED_BLOCKS[block] = vec4(scale, scale * sum.x, most.y, 0);
}
