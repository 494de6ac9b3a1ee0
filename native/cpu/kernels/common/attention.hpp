// Attention over pages of 32 tokens of half keys and values: a page becomes floats once, for all queries that see it.
#pragma once
#include <cmath>

#include "cpu/kernels/common/halves.hpp"
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

constexpr uint32_t PAGE = 32;  // tokens

inline uint32_t padded_size(uint32_t head_size) { return (head_size + LANES - 1) / LANES * LANES; }

// `count` is a multiple of eight.
inline void floats_of_halves(const uint16_t* halves, uint32_t count, float* to) {
#if defined(__F16C__)
  for (uint32_t i = 0; i < count; i += 8)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + i))));
#else
  for (uint32_t i = 0; i < count; i++) to[i] = half_to_float(halves[i]);
#endif
}

inline void halves_of_floats(const float* floats, uint32_t count, uint16_t* to) {
#if defined(__F16C__)
  for (uint32_t i = 0; i < count; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(floats + i), 0));
#else
  for (uint32_t i = 0; i < count; i++) to[i] = float_to_half(floats[i]);
#endif
}

// Pages of one sequence and one kv head.
struct Pages {
  const uint32_t* numbers;  // of the sequence
  uint32_t kv_heads, kv_head, head_size;

  size_t token(uint32_t position) const {
    return ((size_t{numbers[position / PAGE]} * kv_heads + kv_head) * PAGE + position % PAGE) * head_size;
  }
};

// The tokens [begin, end) of a page as floats, rows padded with zeros to whole vectors.
struct PageFloats {
  float *keys, *values;
  uint32_t pitch;

  void fill(const Pages& pages, const uint16_t* key_halves, const uint16_t* value_halves, uint32_t begin,
            uint32_t end) const {
    for (uint32_t i = 0; i < end - begin; i++) {
      const size_t from = pages.token(begin + i);
      float *key = keys + size_t{i} * pitch, *value = values + size_t{i} * pitch;
      for (uint32_t d = pages.head_size; d < pitch; d++) key[d] = value[d] = 0;
      floats_of_halves(key_halves + from, pages.head_size, key);
      floats_of_halves(value_halves + from, pages.head_size, value);
    }
  }
};

constexpr float LEAST = -1e30f;                // of a token that is not seen; finite, so that differences are numbers
constexpr float LOG2_E = 1.4426950408889634f;  // factor of scores: exponents are of 2

// 2^x for x up to 0, of LEAST 0.
inline Floats power_of_two(Floats x) {
  const Floats shifter = broadcast(12582912.0f);  // adding it rounds, and leaves the whole part in the low bits
  const Floats clamped = x < broadcast(-126.0f) ? broadcast(-126.0f) : x, shifted = clamped + shifter;
  const Floats part = clamped - (shifted - shifter);
  Floats sum = broadcast(1.5403530e-4f);
  sum = sum * part + 1.3333558e-3f;
  sum = sum * part + 9.6181291e-3f;
  sum = sum * part + 5.5504109e-2f;
  sum = sum * part + 0.24022651f;
  sum = sum * part + 0.69314718f;
  sum = sum * part + 1.0f;
  Ints bits, whole;
  std::memcpy(&bits, &sum, sizeof bits);
  std::memcpy(&whole, &shifted, sizeof whole);
  bits += whole << 23;
  std::memcpy(&sum, &bits, sizeof sum);
  return x < broadcast(-1000.0f) ? Floats{} : sum;
}

inline float power_of_two(float x) { return power_of_two(broadcast(x))[0]; }

inline float largest_of(Floats vector) {
  float most = vector[0];
  for (int i = 1; i < LANES; i++) most = vector[i] > most ? vector[i] : most;
  return most;
}

// Softmax in the making of one query, whose scores are exponents of two.
struct Online {
  float most, total;
  float* sums;  // [pitch]
};

inline float dot_product(const float* a, const float* b, uint32_t pitch) {
  Floats sums[2] = {};
  uint32_t i = 0;
  for (; i + 2 * LANES <= pitch; i += 2 * LANES) {
    sums[0] += load<Floats>(a + i) * load<Floats>(b + i);
    sums[1] += load<Floats>(a + i + LANES) * load<Floats>(b + i + LANES);
  }
  if (i < pitch) sums[0] += load<Floats>(a + i) * load<Floats>(b + i);
  return sum_of(sums[0] + sums[1]);
}

inline void scale_sums(const Online& online, uint32_t pitch, float factor) {
  for (uint32_t d = 0; d < pitch; d += LANES) store(online.sums + d, load<Floats>(online.sums + d) * factor);
}

// The page's scores become weights.
inline void weigh_page(float* scores, Online& online, uint32_t pitch) {
  Floats top = broadcast(online.most), total = {};
  for (uint32_t i = 0; i < PAGE; i += LANES) {
    const Floats score = load<Floats>(scores + i);
    top = score > top ? score : top;
  }
  const float most = largest_of(top);
  if (most > online.most) {
    const float shrink = power_of_two(online.most - most);
    online.total *= shrink;
    online.most = most;
    scale_sums(online, pitch, shrink);
  }
  for (uint32_t i = 0; i < PAGE; i += LANES) {
    const Floats score = load<Floats>(scores + i);
    const Floats weight = score > broadcast(LEAST) ? power_of_two(score - most) : Floats{};
    total += weight;
    store(scores + i, weight);
  }
  online.total += sum_of(total);
}

// Adds the page's tokens [0, count) to the query's softmax.
inline void attend_page(const PageFloats& page, uint32_t count, const float* query, Online& online) {
  float scores[PAGE];
  for (uint32_t i = 0; i < PAGE; i++)
    scores[i] = i < count ? dot_product(query, page.keys + size_t{i} * page.pitch, page.pitch) : LEAST;
  weigh_page(scores, online, page.pitch);
  for (uint32_t d = 0; d < page.pitch; d += LANES) {
    Floats sums[2] = {load<Floats>(online.sums + d)};
    for (uint32_t i = 0; i < count; i++)
      sums[i % 2] += scores[i] * load<Floats>(page.values + size_t{i} * page.pitch + d);
    store(online.sums + d, sums[0] + sums[1]);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
