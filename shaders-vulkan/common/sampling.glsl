// What logit_blocks and sample_rows share: a slot's sampling state, random numbers, weights. Sums and products are
// rounded one by one and tokens' weights are integers, so that every device gets the same bits from the same logits.
// The includer has buffers steps_ { uvec4 steps[]; } and sampling_ { uint sampling[]; }.
const uint LOGIT_BLOCK = 512;
const uint SAMPLE = 1;                    // steps[row].w of rows that choose a token
const uint STATE_WORDS = 16;
const uint PENALISED = 1, TRUNCATED = 2;  // flags

struct Sampler {
  float scale;      // log2(e) / temperature; 0: greedy
  uint top_k;       // 0: all
  float top_p;      // 1: all
  float drop, tail; // logits so far below the largest fail min-p; are of no use to top-p
  uvec2 stream;
  uint flags;
};

float state_float(uint slot, uint word) { return uintBitsToFloat(sampling[slot * STATE_WORDS + word]); }

// Keys order as logits do; 0 for what is not finite, so that it is never chosen.
uint key_of(float logit) {
  const uint bits = floatBitsToUint(logit);
  if ((bits & 0x7F800000u) == 0x7F800000u) return 0;
  return bits == 0x80000000u ? bits : bits ^ (uint(int(bits) >> 31) | 0x80000000u);
}

float logit_of(uint key) { return uintBitsToFloat(key ^ ((key & 0x80000000u) != 0 ? 0x80000000u : 0xFFFFFFFFu)); }

Sampler sampler_of(uint slot) {
  const uint first = slot * STATE_WORDS;
  Sampler s;
  s.scale = state_float(slot, 0);
  s.top_k = sampling[first + 1];
  s.top_p = state_float(slot, 2);
  s.drop = state_float(slot, 3);
  s.tail = state_float(slot, 4);
  s.stream.x = hash(sampling[first + 9] + hash(sampling[first + 11]));
  s.stream.y = hash(sampling[first + 10] ^ hash(s.stream.x + 0x9E3779B9u));
  s.flags = sampling[first + 12];
  return s;
}

// log2(1 + f) for f from sqrt(1/2) - 1 to sqrt(2) - 1, relative error 3e-8.
float log2_near(float f) {
  precise float p = 0.12614981830120087;
  p = p * f; p = p - 0.2074228823184967;
  p = p * f; p = p + 0.21567021310329437;
  p = p * f; p = p - 0.23892012238502502;
  p = p * f; p = p + 0.2879182696342468;
  p = p * f; p = p - 0.36070483922958374;
  p = p * f; p = p + 0.48091059923171997;
  p = p * f; p = p - 0.7213473320007324;
  p = p * f; p = p + 1.4426950216293335;
  p = p * f;
  return p;
}

// For x above 0 and not denormal; `f` is the mantissa less one.
float exponent_of(float x, out float f) {
  const uint bits = floatBitsToUint(x) - 0x3F3504F3u;
  f = uintBitsToFloat((bits & 0x007FFFFFu) + 0x3F3504F3u) - 1;
  return float(int(bits) >> 23);
}

// Gumbel noise in units of log2, up to a constant: -log2(-log2(1 - x)) of a uniform x, exact for the smallest x too.
float noise_of(uvec2 stream, uint id) {
  const uint word = hash(hash(id + stream.x) ^ stream.y);
  float f;
  precise float exponent = exponent_of(float(~word) * 2.3283064365386963e-10 + 1.1641532182693481e-10, f);
  if (word < 0x4AFB0000u) {  // x < 1 - sqrt(1/2)
    f = -(float(word) * 2.3283064365386963e-10 + 1.1641532182693481e-10);
    exponent = 0;
  }
  precise float wait = exponent + log2_near(f);
  precise float place = exponent_of(-wait, f);
  place = place + log2_near(f);
  return -place;
}

// The token with the largest score is a draw from the softmax of logits / temperature.
float score_of(Sampler s, float logit, uint id) {
  if (s.scale == 0) return logit;
  precise float score = logit * s.scale;
  score = score + noise_of(s.stream, id);
  return score;
}

// 2^31 at the largest logit, in proportion to the probability.
uint weight_of(Sampler s, float largest, float logit) {
  precise float below = largest - logit;
  below = below * s.scale;
  if (!(below < 32)) return 0;
  const uint halvings = uint(below);
  precise float f = below - float(halvings);
  precise float p = 0.00011498118692543358;
  p = p * f; p = p - 0.0012917903950437903;
  p = p * f; p = p + 0.009597170166671276;
  p = p * f; p = p - 0.055499278008937836;
  p = p * f; p = p + 0.24022610485553741;
  p = p * f; p = p - 0.6931471824645996;
  p = p * f; p = p + 1;
  return uint(p * 2147483648.0) >> halvings;
}
