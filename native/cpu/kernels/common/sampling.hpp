// What logit_blocks and sample_rows share: a slot's sampling state, random numbers, weights; the same bits as the
// shaders' sampling.glsl, whose comments say why.
#pragma once
#include "cpu/kernels/common/random.hpp"
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

constexpr uint32_t LOGIT_BLOCK = 512, SAMPLE = 1, STATE_WORDS = 16, NO_TOKEN = 0xFFFFFFFF;
constexpr uint32_t PENALISED = 1, TRUNCATED = 2;

typedef uint32_t Words __attribute__((vector_size(LANES * 4)));

struct Step {
  uint32_t token, position, slot, live;
};
// Of a block: the largest key, the token of the best score, that score's key, the sum of weights.
struct Winner {
  uint32_t key, id, score, mass;
};

struct Sampler {
  float scale;
  uint32_t top_k;
  float top_p, drop, tail, repetition, inverse_repetition, presence, frequency;
  uint32_t seed[2], counter, flags, stream[2];
};

inline Sampler sampler_of(const uint32_t* sampling, uint32_t slot) {
  Sampler sampler;
  std::memcpy(&sampler, sampling + size_t{slot} * STATE_WORDS, 13 * 4);
  sampler.stream[0] = hash(sampler.seed[0] + hash(sampler.counter));
  sampler.stream[1] = hash(sampler.seed[1] ^ hash(sampler.stream[0] + 0x9E3779B9u));
  return sampler;
}

inline uint32_t key_of_logit(float logit) {
  uint32_t bits;
  std::memcpy(&bits, &logit, 4);
  if ((bits & 0x7F800000u) == 0x7F800000u) return 0;
  if (bits == 0x80000000u) return bits;
  return bits ^ (bits >> 31 ? 0xFFFFFFFFu : 0x80000000u);
}

inline float logit_of_key(uint32_t key) {
  const uint32_t bits = key ^ (key >> 31 ? 0x80000000u : 0xFFFFFFFFu);
  float logit;
  std::memcpy(&logit, &bits, 4);
  return logit;
}

// Keeps a product from being fused with the sum that follows: shaders round both.
template <class T>
inline T rounded(T value) {
#if defined(__x86_64__)
  __asm__("" : "+v"(value));
  return value;
#elif defined(__aarch64__)
  __asm__("" : "+w"(value));
  return value;
#else
  volatile T kept = value;
  return kept;
#endif
}

template <int count>
inline Floats polynomial(const float (&factors)[count], Floats x) {
  Floats p = broadcast(factors[0]);
  for (int i = 1; i < count; i++) p = rounded(p * x) + factors[i];
  return p;
}

inline Floats log2_near(Floats f) {
  constexpr float FACTORS[] = {0.12614981830120087f,  -0.2074228823184967f, 0.21567021310329437f,
                               -0.23892012238502502f, 0.2879182696342468f,  -0.36070483922958374f,
                               0.48091059923171997f,  -0.7213473320007324f, 1.4426950216293335f};
  return rounded(polynomial(FACTORS, f) * f);
}

inline Floats exponent_of(Floats x, Floats& f) {
  const Words bits = reinterpret_cast<Words>(x) - 0x3F3504F3u;
  f = reinterpret_cast<Floats>((bits & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
  return __builtin_convertvector(reinterpret_cast<Ints>(bits) >> 23, Floats);
}

inline Words hash_all(Words value) {
  const Words state = value * 747796405u + 2891336453u;
  const Words word = ((state >> ((state >> 28) + 4)) ^ state) * 277803737u;
  return (word >> 22) ^ word;
}

// In (0, 1]: word + 1/2 of 2^32.
inline Floats share_of_words(Words word) {
  return __builtin_convertvector(word, Floats) * 2.3283064365386963e-10f + 1.1641532182693481e-10f;
}

inline Floats noise_of(const Sampler& sampler, Words ids) {
  const Words word = hash_all(hash_all(ids + sampler.stream[0]) ^ sampler.stream[1]);
  const Ints small = word < 0x4AFB0000u;
  Floats f;
  Floats exponent = exponent_of(share_of_words(~word), f);
  f = small ? -share_of_words(word) : f;
  exponent = small ? Floats{} : exponent;
  const Floats place = exponent_of(-(exponent + log2_near(f)), f);
  return -(place + log2_near(f));
}

// Keys of the scores of LANES tokens with finite logits.
inline Words score_keys(const Sampler& sampler, Floats logits, Words ids) {
  Floats score = logits;
  if (sampler.scale != 0) score = rounded(logits * sampler.scale) + noise_of(sampler, ids);
  score = score < -3.4e38f ? broadcast(-3.4e38f) : score;
  score = score > 3.4e38f ? broadcast(3.4e38f) : score;
  const Words bits = reinterpret_cast<Words>(score + 0.0f);
  return bits ^ (reinterpret_cast<Words>(reinterpret_cast<Ints>(bits) >> 31) | 0x80000000u);
}

// 2^31 at the largest logit.
inline Words weights_of(const Sampler& sampler, Floats largest, Floats logits) {
  constexpr float FACTORS[] = {0.00011498118692543358f,
                               -0.0012917903950437903f,
                               0.009597170166671276f,
                               -0.055499278008937836f,
                               0.24022610485553741f,
                               -0.6931471824645996f,
                               1.0f};
  Floats below = rounded((largest - logits) * sampler.scale);
  const Ints useful = below < 32.0f;
  below = useful ? below : Floats{};
  const Ints halvings = __builtin_convertvector(below, Ints);
  const Floats f = below - __builtin_convertvector(halvings, Floats);
  const Words whole = __builtin_convertvector(polynomial(FACTORS, f) * 2147483648.0f, Words);
  return (whole >> reinterpret_cast<Words>(halvings)) & reinterpret_cast<Words>(useful);
}

inline uint32_t weight_of(const Sampler& sampler, float largest, float logit) {
  return weights_of(sampler, broadcast(largest), broadcast(logit))[0];
}

}  // namespace wavetile::cpu::WAVETILE_ISA
