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

// Softmax in the making of one query.
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

// Adds the page's tokens [first, last) to the query's softmax.
inline void attend_page(const PageFloats& page, uint32_t first, uint32_t last, const float* query, Online& online) {
  if (first >= last) return;
  float scores[PAGE], most = online.most;
  for (uint32_t i = first; i < last; i++) {
    scores[i] = dot_product(query, page.keys + size_t{i} * page.pitch, page.pitch);
    most = scores[i] > most ? scores[i] : most;
  }
  if (most > online.most) {
    const float shrink = ::expf(online.most - most);
    online.total *= shrink;
    online.most = most;
    scale_sums(online, page.pitch, shrink);
  }
  for (uint32_t i = first; i < last; i++) online.total += scores[i] = ::expf(scores[i] - most);
  for (uint32_t d = 0; d < page.pitch; d += LANES) {
    Floats sum = load<Floats>(online.sums + d);
    for (uint32_t i = first; i < last; i++) sum += scores[i] * load<Floats>(page.values + size_t{i} * page.pitch + d);
    store(online.sums + d, sum);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
