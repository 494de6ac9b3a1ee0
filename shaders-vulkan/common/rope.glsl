// A head's norm (constant normed) and rotation: rope_style 0 none, 1 of pairs (2i, 2i + 1), 2 of (i, i + rope_dims / 2).
// The includer has head_size, projected, query_norm, key_norm, rope (cosine, sine of [position][pair]), epsilon, rope_dims.
#include "lanes.glsl"

// Number d of the head at `from`, times its norm's weight.
float weighted_number(uint from, uint d, bool is_key) {
  const float x = projected[from + d];
  if (normed == 0) return x;
  return x * (is_key ? key_norm[d] : query_norm[d]);
}

float rotated_number(uint from, uint d, uint position, bool is_key) {
  const float x = weighted_number(from, d, is_key);
  if (rope_style == 0 || d >= rope_dims) return x;
  const uint pairs = rope_dims / 2;
  const uint pair = rope_style == 1 ? d / 2 : d % pairs;
  const bool is_first = rope_style == 1 ? d % 2 == 0 : d < pairs;
  const uint other = rope_style == 1 ? d ^ 1 : is_first ? d + pairs : d - pairs;
  const float y = weighted_number(from, other, is_key);
  const vec2 turn = rope[position * pairs + pair];
  return is_first ? x * turn.x - y * turn.y : x * turn.x + y * turn.y;
}

// For the whole workgroup at once: the part of the head at `from`; threads that are not live only take part in sums.
Eight rotated_part(bool live, uint from, uint part, uint position, bool is_key) {
  float x[8], squares = 0;
  for (uint i = 0; i < 8; i++) {
    x[i] = live ? rotated_number(from, part * 8 + i, position, is_key) : 0;
    if (normed == 1 && live) squares += projected[from + part * 8 + i] * projected[from + part * 8 + i];
  }
  float factor = 1;
  if (normed == 1) factor = inversesqrt(lanes_sums(vec4(squares)).x / float(head_size) + epsilon);
  return Eight(vec4(x[0], x[1], x[2], x[3]) * factor, vec4(x[4], x[5], x[6], x[7]) * factor);
}

Eight projected_part(uint from, uint part) {
  const uint at = from + part * 8;
  return Eight(vec4(projected[at], projected[at + 1], projected[at + 2], projected[at + 3]),
               vec4(projected[at + 4], projected[at + 5], projected[at + 6], projected[at + 7]));
}
