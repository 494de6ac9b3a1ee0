// A head's norm (constant normed) and rotation: rope_style 0 none, 1 of pairs (2i, 2i + 1), 2 of (i, i + rope_dims / 2).
// The includer has head_size, projected, query_norm, key_norm, rope (cosine, sine of [position][pair]), epsilon, rope_dims.
#include "lanes.glsl"

const uint IS_QUERY = 0, IS_KEY = 1, IS_VALUE = 2;

// The number that number d is turned with.
uint turned_with(uint d) {
  if (rope_style == 0 || d >= rope_dims) return d;
  if (rope_style == 1) return d ^ 1;
  return d < rope_dims / 2 ? d + rope_dims / 2 : d - rope_dims / 2;
}

// For the whole workgroup at once: the part of the head at `from`, of values as it is; threads that are not live only take
// part in sums. No number waits for another one.
Eight rotated_part(bool live, uint from, uint part, uint position, uint what) {
  const uint pairs = rope_dims / 2;
  float x[8], y[8], squares = 0;
  vec2 turns[8];
  [[unroll]] for (uint i = 0; i < 8; i++) {
    const uint d = part * 8 + i, other = turned_with(d);
    const bool is_turned = live && other != d && what != IS_VALUE;
    x[i] = live ? projected[from + d] : 0;
    y[i] = live ? projected[from + other] : 0;
    turns[i] = is_turned ? rope[position * pairs + (rope_style == 1 ? d / 2 : d % pairs)] : vec2(1, 0);
  }
  [[unroll]] for (uint i = 0; i < 8; i++) {
    const uint d = part * 8 + i, other = turned_with(d);
    squares += x[i] * x[i];
    if (normed == 1 && live && what != IS_VALUE) {
      x[i] *= what == IS_KEY ? key_norm[d] : query_norm[d];
      y[i] *= what == IS_KEY ? key_norm[other] : query_norm[other];
    }
    x[i] = x[i] * turns[i].x + (other > d ? -y[i] : y[i]) * turns[i].y;
  }
  float factor = 1;
  if (normed == 1) {
    const float sum = lanes_sums(vec4(squares)).x;
    if (what != IS_VALUE) factor = inversesqrt(sum / float(head_size) + epsilon);
  }
  return Eight(vec4(x[0], x[1], x[2], x[3]) * factor, vec4(x[4], x[5], x[6], x[7]) * factor);
}
