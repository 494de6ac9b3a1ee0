// What logit_blocks and sample_rows share: a slot's sampling state, random numbers, weights. Sums and products are
// rounded one by one and tokens' weights are integers, so that every device gets the same bits from the same logits.
#include "common/random.h"

#pragma METAL fp contract(off)

constexpr constant uint LOGIT_BLOCK = 512;
constexpr constant uint SAMPLE = 1;  // steps[row].w of rows that choose a token
constexpr constant uint STATE_WORDS = 16;
constexpr constant uint PENALISED = 1, TRUNCATED = 2;  // flags

struct Sampler {
  float scale;  // log2(e) / temperature; 0: greedy
  uint top_k;   // 0: all
  float top_p;  // 1: all
  float drop;   // logits so far below the largest fail min-p
  float tail;   // and are of no use to top-p
  uint2 stream;
  uint flags;
};

// Keys order as logits do; 0 for what is not finite, so that it is never chosen.
inline uint key_of(float logit) {
  const uint bits = as_type<uint>(logit);
  if ((bits & 0x7F800000) == 0x7F800000) return 0;
  return bits == 0x80000000 ? bits : bits ^ (uint(int(bits) >> 31) | 0x80000000);
}

inline float logit_of(uint key) { return as_type<float>(key ^ ((key & 0x80000000) != 0 ? 0x80000000 : 0xFFFFFFFF)); }

// `state` is a slot's of the buffer of sampling states.
inline Sampler sampler_of(device const uint* state) {
  Sampler s;
  s.scale = as_type<float>(state[0]);
  s.top_k = state[1];
  s.top_p = as_type<float>(state[2]);
  s.drop = as_type<float>(state[3]);
  s.tail = as_type<float>(state[4]);
  s.stream.x = hash(state[9] + hash(state[11]));
  s.stream.y = hash(state[10] ^ hash(s.stream.x + 0x9E3779B9));
  s.flags = state[12];
  return s;
}

// p * f + next, rounded twice.
inline float times_plus(float p, float f, float next) {
  const float product = p * f;
  return product + next;
}

// log2(1 + f) for f from sqrt(1/2) - 1 to sqrt(2) - 1, relative error 3e-8.
inline float log2_near(float f) {
  float p = times_plus(0.12614981830120087, f, -0.2074228823184967);
  p = times_plus(p, f, 0.21567021310329437);
  p = times_plus(p, f, -0.23892012238502502);
  p = times_plus(p, f, 0.2879182696342468);
  p = times_plus(p, f, -0.36070483922958374);
  p = times_plus(p, f, 0.48091059923171997);
  p = times_plus(p, f, -0.7213473320007324);
  p = times_plus(p, f, 1.4426950216293335);
  return p * f;
}

// For x above 0 and not denormal; `f` is the mantissa less one.
inline float exponent_of(float x, thread float& f) {
  const uint bits = as_type<uint>(x) - 0x3F3504F3;
  f = as_type<float>((bits & 0x007FFFFF) + 0x3F3504F3) - 1;
  return float(int(bits) >> 23);
}

// Gumbel noise in units of log2, up to a constant: -log2(-log2(1 - x)) of a uniform x, exact for the smallest x too.
inline float noise_of(uint2 stream, uint id) {
  const uint word = hash(hash(id + stream.x) ^ stream.y);
  float f;
  float exponent = exponent_of(times_plus(float(~word), 2.3283064365386963e-10, 1.1641532182693481e-10), f);
  if (word < 0x4AFB0000) {  // x < 1 - sqrt(1/2)
    f = -times_plus(float(word), 2.3283064365386963e-10, 1.1641532182693481e-10);
    exponent = 0;
  }
  const float wait = exponent + log2_near(f), place = exponent_of(-wait, f);
  return -(place + log2_near(f));
}

// The token with the largest score is a draw from the softmax of logits / temperature.
inline float score_of(thread const Sampler& s, float logit, uint id) {
  return s.scale == 0 ? logit : times_plus(logit, s.scale, noise_of(s.stream, id));
}

// 2^31 at the largest logit, in proportion to the probability.
inline uint weight_of(thread const Sampler& s, float largest, float logit) {
  const float difference = largest - logit, below = difference * s.scale;
  if (!(below < 32)) return 0;
  const uint halvings = uint(below);
  const float f = below - float(halvings);
  float p = times_plus(0.00011498118692543358, f, -0.0012917903950437903);
  p = times_plus(p, f, 0.009597170166671276);
  p = times_plus(p, f, -0.055499278008937836);
  p = times_plus(p, f, 0.24022610485553741);
  p = times_plus(p, f, -0.6931471824645996);
  p = times_plus(p, f, 1);
  return uint(p * 2147483648.0) >> halvings;
}
