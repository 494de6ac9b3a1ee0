// A head's norm (constant normed) and rotation: rope_style 0 none, 1 of pairs (2i, 2i + 1), 2 of (i, i + dims / 2).
#include "common/lanes.h"
#include "common/unroll.h"

constexpr constant uint IS_QUERY = 0, IS_KEY = 1, IS_VALUE = 2;

struct Heads {
  device const float* projected;
  device const float* query_norm;
  device const float* key_norm;
  device const float2* rope;  // cosine, sine of [position][pair]
  uint dims;                  // that turn
  float epsilon;

  // The number that number d is turned with.
  uint turned_with(uint d) const thread {
    if (rope_style == 0 || d >= dims) return d;
    if (rope_style == 1) return d ^ 1;
    return d < dims / 2 ? d + dims / 2 : d - dims / 2;
  }

  float norm_of(uint d, uint what) const thread { return what == IS_KEY ? key_norm[d] : query_norm[d]; }

  // For a whole SIMD-group at once: the part of the head at `from`, of values as it is; threads that are not live only
  // take part in sums. No number waits for another one.
  Eight part_at(bool live, uint from, uint part, uint position, uint what) const thread {
    float x[8], y[8], squares = 0, factor = 1;
    float2 turns[8];
    UNROLL for (uint i = 0; i < 8; i++) {
      const uint d = part * 8 + i, other = turned_with(d);
      const bool is_turned = live && other != d && what != IS_VALUE;
      x[i] = live ? projected[from + d] : 0;
      y[i] = live ? projected[from + other] : 0;
      turns[i] = float2(1, 0);
      if (is_turned) turns[i] = rope[position * (dims / 2) + (rope_style == 1 ? d / 2 : d % (dims / 2))];
    }
    UNROLL for (uint i = 0; i < 8; i++) {
      const uint d = part * 8 + i, other = turned_with(d);
      squares += x[i] * x[i];
      if (normed == 1 && live && what != IS_VALUE) {
        x[i] *= norm_of(d, what);
        y[i] *= norm_of(other, what);
      }
      x[i] = x[i] * turns[i].x + (other > d ? -y[i] : y[i]) * turns[i].y;
    }
    if (normed == 1) {
      const float sum = lanes_sums(float4(squares)).x;
      if (what != IS_VALUE) factor = rsqrt(sum / float(head_size) + epsilon);
    }
    return {float4(x[0], x[1], x[2], x[3]) * factor, float4(x[4], x[5], x[6], x[7]) * factor};
  }
};
