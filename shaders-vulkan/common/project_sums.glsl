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

// A block of a row of each set: its halves, and the scale of the first, the minimum, and the scale of the second.
struct Block { uvec4 low, high; vec3 scale; };

void add_products(Block own[ROWS], uint column, uint block, bool live) {
  const uint at = row_at(own_column + column) + block;
  // With several rows a branch costs more than what it keeps apart.
  vec2 input_scale = columns > 1 || live ? blocks[at].xy : vec2(0);
  if (columns > 1) input_scale = mix(vec2(0), input_scale, bvec2(live));
  const uvec4 low = values[2 * at], high = values[2 * at + 1];
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    const vec3 scale = own[r].scale;
    float product;
    if (scaling == SUPER16)
      product = fma(scale.x, whole(dot_bytes(MAGIC, own[r].low, low)), scale.z * whole(dot_bytes(MAGIC, own[r].high, high)));
    else
      product = scale.x * whole(dot_bytes(dot_bytes(MAGIC, own[r].low, low), own[r].high, high));
    float sum = fma(product, input_scale.x, sums[r][column]);
    if (kind == INT4 || scaling == AFFINE || scaling == SUPER32) sum = fma(scale.y, input_scale.y, sum);
    sums[r][column] = sum;
  }
}

uvec4 read[ROWS][8];
QuadScales read_scales[ROWS];

void add_block(uint quad, uint b) {
  const uvec4 nibbles = uvec4(0x0F0F0F0Fu);
  const uint block = min(quad * 4 + b, row_blocks - 1);
  const bool live = quad * 4 + b < row_blocks;
  Block own[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    const uvec4 first = read[r][b * 2];
    own[r].low = kind == INT4 ? first & nibbles : first;
    own[r].high = kind == INT4 ? first >> 4 & nibbles : read[r][b * 2 + 1];
    own[r].scale = vec3(scale_of(read_scales[r], b, 0), scale_of(read_scales[r], b, 1).x);
  }
  if (unrolled == 1) {
    [[unroll]] for (uint c = 0; c < OWN; c++) add_products(own, c, block, live);
  } else {
    for (uint c = 0; c < OWN; c++) add_products(own, c, block, live);
  }
}

// The chunks of a quad are all under way before the first is used. Past a row's end its last block counts for nothing.
void fetch_quad(uint first_tile, uint quad, uint lane) {
  const uint chunks = kind == INT8 ? 2 : 1;
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    const uint tile = first_tile + r / split, row = lane % LANES + r % split * LANES;
    [[unroll]] for (uint b = 0; b < 4; b++) [[unroll]] for (uint i = 0; i < chunks; i++)
      read[r][b * 2 + i] = quants[chunk_at(tile, row_blocks, min(quad * 4 + b, row_blocks - 1), i, row)];
    read_scales[r] = quad_scales(tile, (row_blocks + 3) / 4, quad, row);
  }
}

void add_quad(uint quad) {
  if (unrolled == 1) {
    [[unroll]] for (uint b = 0; b < 4; b++) add_block(quad, b);
  } else {
    for (uint b = 0; b < 4; b++) add_block(quad, b);
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
    for (uint quad = slice; quad < (row_blocks + 3) / 4; quad += SLICES) {
      fetch_quad(first_tile, quad, lane);
      add_quad(quad);
    }
  } else {
    for (uint block = slice; block < row_blocks; block += SLICES) add_dense_block(first_tile, block, lane);
  }
}
