// What a slice of project_rows adds up: sums[row][column] of a lane's rows of weights with its rows of activations.
// Unsplit, lanes have one row of each tile and all activations, whose words are then scalar loads where there are such.
// Split, lanes have `split` rows and a part of the activations, so that a broadcast word meets more weights.
const uint LANES = 32 / split, OWN = columns / split, ROWS = SETS * split;
float sums[ROWS][OWN];
uint own_column;  // the first of this lane

// Where the blocks of an activation row begin; rows past the last one repeat it.
uint row_at(uint column) { return min(gl_WorkGroupID.y * columns + column, rows - 1) * row_blocks; }

// 1.5 * 2^23: a whole number that is added to its bits is added to it, which spares a conversion.
const int MAGIC = 0x4B400000;
float whole(int bits) { return intBitsToFloat(bits) - intBitsToFloat(MAGIC); }

int dot_bytes(int sum, uvec4 a, uvec4 b) {
  [[unroll]] for (uint i = 0; i < 4; i++) sum += dotPacked4x8EXT(int(a[i]), int(b[i]));
  return sum;
}

// Nibbles without a minimum of their own are taken as signed bytes, 16 * (nibble - 8), which costs nothing.
const bool CENTRED = kind == INT4 && scaling == SYMMETRIC;
const bool WITH_LEAST = scaling == AFFINE || scaling == SUPER32;

// A block of a row of each set: its halves, and the scale of the first, the minimum, and the scale of the second.
struct Block { uvec4 low, high; vec3 scale; };

void add_products(Block own[ROWS], uint column, uint block) {
  const uint at = row_at(own_column + column) + block;
  const vec2 input_scale = blocks[at].xy;
  const uvec4 low = values[2 * at], high = values[2 * at + 1];
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    const vec3 scale = own[r].scale;
    float product;
    if (scaling == SUPER16)
      product = fma(scale.x, whole(dot_bytes(MAGIC, own[r].low, low)), scale.z * whole(dot_bytes(MAGIC, own[r].high, high)));
    else
      product = scale.x * whole(dot_bytes(dot_bytes(MAGIC, own[r].low, low), own[r].high, high));
    float sum = fma(product, input_scale.x, sums[r][column]);
    if (WITH_LEAST) sum = fma(scale.y, input_scale.y, sum);
    sums[r][column] = sum;
  }
}

// What was asked for last, and what is used: with eight blocks ahead a quad is on its way while the one before is used.
uvec4 coming[ROWS][8], read[ROWS][8];
QuadScales coming_scales[ROWS], read_scales[ROWS];

uvec4 low_half(uvec4 chunk) { return CENTRED ? (chunk << 4 ^ 0x88888888u) & 0xF0F0F0F0u : chunk & 0x0F0F0F0Fu; }
uvec4 high_half(uvec4 chunk) { return CENTRED ? (chunk ^ 0x88888888u) & 0xF0F0F0F0u : chunk >> 4 & 0x0F0F0F0Fu; }

// Block b of a quad, whose chunks are read[][place] and the next.
void add_block(uint quad, uint b, uint place) {
  Block own[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    const uvec4 first = read[r][place];
    own[r].low = kind == INT4 ? low_half(first) : first;
    own[r].high = kind == INT4 ? high_half(first) : read[r][place + 1];
    own[r].scale = vec3(scale_of(read_scales[r], b, 0), scale_of(read_scales[r], b, 1).x);
    if (CENTRED) own[r].scale.x *= 0.0625;
  }
  if (unrolled == 1) {
    [[unroll]] for (uint c = 0; c < OWN; c++) add_products(own, c, quad * 4 + b);
  } else {
    for (uint c = 0; c < OWN; c++) add_products(own, c, quad * 4 + b);
  }
}

void fetch_block(uint first_tile, uint block, uint lane, uint place) {
  [[unroll]] for (uint r = 0; r < ROWS; r++) [[unroll]] for (uint i = 0; i < (kind == INT8 ? 2 : 1); i++)
    coming[r][place + i] = quants[chunk_at(first_tile + r / split, row_blocks, block, i, lane % LANES + r % split * LANES)];
}

void fetch_scales(uint first_tile, uint quad, uint lane) {
  [[unroll]] for (uint r = 0; r < ROWS; r++)
    coming_scales[r] = quad_scales(first_tile + r / split, (row_blocks + 3) / 4, quad, lane % LANES + r % split * LANES);
}

void take() {
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    read_scales[r] = coming_scales[r];
    [[unroll]] for (uint i = 0; i < 8; i++) read[r][i] = coming[r][i];
  }
}

// Where not, a branch that is always taken keeps a compiler from loading all activations of a quad at once, for lack of
// registers.
const bool TOGETHER = split > 1 || columns * SETS == 1;

// The chunks of `ahead` blocks are all under way before the first is used.
void add_quad(uint first_tile, uint quad, uint lane) {
  [[unroll]] for (uint first = 0; first < 4; first += ahead) {
    [[unroll]] for (uint b = 0; b < ahead; b++) fetch_block(first_tile, quad * 4 + first + b, lane, b * 2);
    if (first == 0) fetch_scales(first_tile, quad, lane);
    take();
    if (unrolled == 1) {
      [[unroll]] for (uint b = 0; b < ahead; b++) if (TOGETHER || quad * 4 + first + b < row_blocks)
        add_block(quad, first + b, b * 2);
    } else {
      for (uint b = 0; b < ahead; b++) add_block(quad, first + b, b * 2);
    }
  }
}

void fetch_quad(uint first_tile, uint quad, uint lane) {
  [[unroll]] for (uint b = 0; b < 4; b++) fetch_block(first_tile, quad * 4 + b, lane, b * 2);
  fetch_scales(first_tile, quad, lane);
}

void use_quad(uint quad) {
  [[unroll]] for (uint b = 0; b < 4; b++) add_block(quad, b, b * 2);
}

// Every SLICES-th one from `quad` on, each asked for before the one in front of it is used.
void add_quads(uint first_tile, uint quad, uint quads, uint lane) {
  if (quad >= quads) return;
  fetch_quad(first_tile, quad, lane);
  for (; quad + SLICES < quads; quad += SLICES) {
    take();
    fetch_quad(first_tile, quad + SLICES, lane);
    use_quad(quad);
  }
  take();
  use_quad(quad);
}

// The last one of a row, where it has less than four blocks.
void add_part(uint first_tile, uint quad, uint lane) {
  fetch_scales(first_tile, quad, lane);
  for (uint b = 0; quad * 4 + b < row_blocks; b++) {
    fetch_block(first_tile, quad * 4 + b, lane, 0);
    take();
    add_block(quad, b, 0);
  }
}

// Eight numbers of a row of each set: one chunk of halves, two of floats.
void add_numbers(vec4 low[ROWS], vec4 high[ROWS], uint column, uint chunk) {
  const uint at = row_at(own_column + column) * 8 + chunk * 2;
  const vec4 low_input = uintBitsToFloat(values[at]), high_input = uintBitsToFloat(values[at + 1]);
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    float sum = sums[r][column];
    [[unroll]] for (uint i = 0; i < 4; i++) sum = fma(low[r][i], low_input[i], sum);
    [[unroll]] for (uint i = 0; i < 4; i++) sum = fma(high[r][i], high_input[i], sum);
    sums[r][column] = sum;
  }
}

vec4 halves_of(uvec2 words) {
  if (kind == F16) return vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
  return uintBitsToFloat(uvec4(words.x << 16, words.x & 0xFFFF0000u, words.y << 16, words.y & 0xFFFF0000u));
}

void add_dense_chunk(uint block, uint i) {
  vec4 low[ROWS], high[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    low[r] = kind == F32 ? uintBitsToFloat(read[r][2 * i]) : halves_of(read[r][i].xy);
    high[r] = kind == F32 ? uintBitsToFloat(read[r][2 * i + 1]) : halves_of(read[r][i].zw);
  }
  if (unrolled == 1) {
    [[unroll]] for (uint c = 0; c < OWN; c++) add_numbers(low, high, c, block * 4 + i);
  } else {
    for (uint c = 0; c < OWN; c++) add_numbers(low, high, c, block * 4 + i);
  }
}

void add_dense_block(uint first_tile, uint block, uint lane) {
  [[unroll]] for (uint r = 0; r < ROWS; r++) [[unroll]] for (uint i = 0; i < (kind == F32 ? 8 : 4); i++)
    read[r][i] = quants[chunk_at(first_tile + r / split, row_blocks, block, i, lane % LANES + r % split * LANES)];
  if (unrolled == 1) {
    [[unroll]] for (uint i = 0; i < 4; i++) add_dense_chunk(block, i);
  } else {
    for (uint i = 0; i < 4; i++) add_dense_chunk(block, i);
  }
}

void sum_blocks(uint first_tile, uint slice, uint lane) {
  if (kind == INT4 || kind == INT8) {
    const uint quads = row_blocks / 4;
    if (ahead == 8) {
      add_quads(first_tile, slice, quads, lane);
    } else {
      for (uint quad = slice; quad < quads; quad += SLICES) add_quad(first_tile, quad, lane);
    }
    if (row_blocks % 4 != 0 && slice == quads % SLICES) add_part(first_tile, quads, lane);
  } else {
    for (uint block = slice; block < row_blocks; block += SLICES) add_dense_block(first_tile, block, lane);
  }
}
