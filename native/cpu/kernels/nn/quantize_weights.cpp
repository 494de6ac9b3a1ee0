// Rows of plain numbers become int4 or int8 tiles: of several ranges the one whose line, fitted by least squares,
// explains most of a group's numbers. A workgroup does 32 rows x 128 weights; a lane is a row.
#include "contracts/quantize_weights.hpp"

#include "cpu/kernels/common/source_values.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

constexpr uint32_t ROWS = 32, COLUMNS = 128;
constexpr float ROUNDING = 12582912;  // 1.5 * 2^23: adding and taking it away rounds to even

struct Line {
  Floats scale, minimum;
};

struct Group {
  const float* numbers;  // of LANES rows, the next number ROWS further on
  uint32_t count;
};

template <class Vector>
inline Vector larger(Vector a, Vector b) {
  return b > a ? b : a;
}

inline Floats half_rounded(Floats values) {
  for (int i = 0; i < LANES; i++) values[i] = half_to_float(float_to_half(values[i]));
  return values;
}

template <bool INT4, bool AFFINE>
struct Quantizer {
  static constexpr float LOW = INT4 ? (AFFINE ? 0 : -8) : AFFINE ? -128 : -127, HIGH = INT4 ? (AFFINE ? 15 : 7) : 127;
  static constexpr int RANGES = !INT4 ? 1 : AFFINE ? 7 : 13;

  // Between LOW and HIGH. Positive floats are in the same order as their bits, and integers have fast minima.
  static Floats rounded(Floats quant) {
    const Ints low = (Ints)broadcast(LOW + ROUNDING), high = (Ints)broadcast(HIGH + ROUNDING);
    return (Floats)smaller(larger((Ints)(quant + ROUNDING), low), high) - ROUNDING;
  }

  // Where the numbers lie: lowest and highest; symmetric: 0 and the one that is farthest from 0.
  static void find_range(Group group, Floats& lowest, Floats& highest) {
    lowest = AFFINE ? load<Floats>(group.numbers) : Floats{};
    highest = lowest;
    Floats below{};
    for (uint32_t i = 0; i < group.count; i++) {
      const Floats number = load<Floats>(group.numbers + i * ROWS);
      highest = larger(highest, number);
      if (AFFINE) lowest = smaller(lowest, number);
      if (!AFFINE) below = smaller(below, number);
    }
    if (!AFFINE) highest = -below > highest ? below : highest;
  }

  // The best line through (quant, number) of lines that make the number `highest` the quant -7, -7.25, ...
  static Floats symmetric_scale(Group group, Floats highest) {
    Floats best{}, explained{};
    for (int k = 0; k < RANGES; k++) {
      const Floats inverse = (INT4 ? -7 - 0.25f * static_cast<float>(k) : -127) / highest;
      Floats qqs{}, xqs{};
      for (uint32_t i = 0; i < group.count; i++) {
        const Floats number = load<Floats>(group.numbers + i * ROWS), quant = rounded(number * inverse);
        qqs += quant * quant;
        xqs += number * quant;
      }
      const Floats scale = xqs / qqs, both = xqs * scale;
      best = both > explained ? scale : best;
      explained = larger(explained, both);
    }
    return best;
  }

  // The same of lines that leave out more and more of both ends of the range.
  static Line affine_line(Group group, Floats middle, Floats range) {
    Line best = {Floats{}, Floats{}};
    Floats explained{}, xs{};
    for (uint32_t i = 0; i < group.count; i++) xs += load<Floats>(group.numbers + i * ROWS) - middle;
    const float n = static_cast<float>(group.count);
    for (int k = 0; k < RANGES; k++) {
      const Floats inverse = (HIGH - LOW) / (range * (1 - 0.04f * static_cast<float>(k)));
      Floats qs{}, qqs{}, xqs{};
      for (uint32_t i = 0; i < group.count; i++) {
        const Floats number = load<Floats>(group.numbers + i * ROWS) - middle;
        const Floats quant = rounded(number * inverse + (HIGH + LOW) / 2);
        qs += quant;
        qqs += quant * quant;
        xqs += number * quant;
      }
      const Floats covered = xqs - qs * xs / n, scale = covered / (qqs - qs * qs / n), both = covered * scale;
      best.minimum = both > explained ? (xs - scale * qs) / n : best.minimum;
      best.scale = both > explained ? scale : best.scale;
      explained = larger(explained, both);
    }
    return best;
  }

  static Line best_line(Group group) {
    Floats lowest, highest;
    find_range(group, lowest, highest);
    const Floats middle = AFFINE ? (lowest + highest) / 2 : Floats{}, range = highest - lowest;
    const Ints flat = larger(range, -range) < broadcast(1e-30f);
    Line line = {Floats{}, Floats{}};
    if (AFFINE) line = affine_line(group, middle, range);
    if (!AFFINE) line.scale = symmetric_scale(group, highest);
    return {half_rounded(flat ? Floats{} : line.scale), half_rounded(middle + (flat ? Floats{} : line.minimum))};
  }

  static Ints quants(const float* numbers, Line line, Floats inverse) {
    const Floats number = load<Floats>(numbers);
    return __builtin_convertvector(rounded((AFFINE ? number - line.minimum : number) * inverse), Ints);
  }

  // A block of 32 weights of LANES rows: 16 bytes a row (int4), or twice 16, 512 bytes apart.
  static void put(const float* numbers, Line line, uint8_t* to) {
    const Floats inverse = line.scale == broadcast(0.0f) ? Floats{} : 1 / line.scale;
    for (uint32_t word = 0; word < (INT4 ? 4u : 8u); word++) {
      Ints bytes{};
      for (uint32_t i = 0; i < 4; i++) {
        const float* from = numbers + (word * 4 + i) * ROWS;
        const Ints quant = quants(from, line, inverse);
        if (INT4) {
          const int32_t middle = AFFINE ? 0 : 8;
          const Ints above = quants(from + 16 * ROWS, line, inverse);
          bytes |= ((quant + middle) | (above + middle) << 4) << 8 * i;
        } else {
          bytes |= (quant & 255) << 8 * i;
        }
      }
      uint8_t* at = to + word / 4 * 512 + word % 4 * 4;
      for (int lane = 0; lane < LANES; lane++) {
        const int32_t own = bytes[lane];
        std::memcpy(at + lane * 16, &own, 4);
      }
    }
  }

  static void put_scales(Line line, uint32_t block, uint8_t* to) {
    for (int lane = 0; lane < LANES; lane++) {
      uint8_t* at = to + lane * (AFFINE ? 16 : 8) + block * (AFFINE ? 4 : 2);
      store_half(at, line.scale[lane]);
      if (AFFINE) store_half(at + 2, line.minimum[lane]);
    }
  }
};

struct Target {
  uint8_t* quants;  // of the tile
  uint8_t* scales;
  uint32_t blocks, first_block, group_blocks;
};

template <bool INT4, bool AFFINE>
void quantize_tile(const float* numbers, const Target& target) {
  using Rows = Quantizer<INT4, AFFINE>;
  constexpr uint32_t BYTES = INT4 ? 16 : 32;
  for (uint32_t row = 0; row < ROWS; row += LANES) {
    Line line = {Floats{}, Floats{}};
    for (uint32_t b = 0; b < 4; b++) {
      const float* from = numbers + b * 32 * ROWS + row;
      if (b % target.group_blocks == 0) line = Rows::best_line({from, target.group_blocks * 32});
      Rows::put_scales(line, b, target.scales + row * (AFFINE ? 16 : 8));
      const size_t block = target.first_block + b;
      if (block < target.blocks) Rows::put(from, line, target.quants + block * 32 * BYTES + row * 16);
    }
  }
}

struct Source {
  const uint8_t* bytes;
  uint32_t format, rows, columns;  // from the tile's first number on
  size_t row_bytes;
};

// numbers[column][row]; zeros where there are none.
void read_transposed(const Source& source, float* numbers) {
  for (uint32_t row = 0; row < ROWS; row += 4) {
    float lines[4][COLUMNS] = {};
    for (uint32_t r = 0; r < 4 && row + r < source.rows; r++)
      read_values(source.format, source.bytes + (row + r) * source.row_bytes, source.columns, lines[r]);
    for (uint32_t column = 0; column < COLUMNS; column += 4) {
      Quad a = load<Quad>(lines[0] + column), b = load<Quad>(lines[1] + column);
      Quad c = load<Quad>(lines[2] + column), d = load<Quad>(lines[3] + column);
      transpose(a, b, c, d);
      float* to = numbers + column * ROWS + row;
      store(to, a), store(to + ROWS, b), store(to + 2 * ROWS, c), store(to + 3 * ROWS, d);
    }
  }
}

}  // namespace

void quantize_weights(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::quantize_weights;
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const bool int4 = constants.kind == 4, affine = constants.scaling == 2;
  const uint32_t blocks = (params.columns + 31) / 32, bytes = value_bytes(constants.format);
  const auto quantize = int4     ? affine ? quantize_tile<true, true> : quantize_tile<true, false>
                            : affine ? quantize_tile<false, true>
                                 : quantize_tile<false, false>;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t row = group.y * ROWS, column = group.x * COLUMNS;
    const size_t tile = params.first_tile + size_t{group.y} * params.tile_step;
    const size_t row_bytes = size_t{params.columns} * bytes, quad = (tile * ((blocks + 3) / 4) + group.x) * 32;
    alignas(64) float numbers[COLUMNS * ROWS];
    const uint8_t* from = dispatch.buffer<uint8_t>(Binding::source) + params.source_offset;
    read_transposed({from + row * row_bytes + size_t{column} * bytes, constants.format, params.rows - row,
                     minimum(COLUMNS, params.columns - column), row_bytes},
                    numbers);
    quantize(numbers, {dispatch.buffer<uint8_t>(Binding::quants) + tile * blocks * 32 * (int4 ? 16 : 32),
                       dispatch.buffer<uint8_t>(Binding::scales) + quad * (affine ? 16 : 8), blocks, group.x * 4,
                       constants.group_blocks});
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
