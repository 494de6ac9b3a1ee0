// Numbers of a file. Goes after halves.glsl and source_bytes.glsl; the includer has the constant format: 0 float32,
// 1 halves, 2 bfloat16.
const uint VALUE_BYTES = format == 0 ? 4 : 2;

float value_at(uint at) {
  if (format == 0) return uintBitsToFloat(word_at(at));
  return format == 1 ? half_value(half_at(at)) : uintBitsToFloat(half_at(at) << 16);
}
