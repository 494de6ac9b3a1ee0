#version 460
// project_matrix on matrix units of 16 x 16 x 16 halves with float32 sums. One workgroup: tile_rows (64 or 128) x 128
// outputs by 8 subgroups of 32. Both sides lie in shared memory as halves, 32 numbers of a row, in two places in turns:
// the next block is loaded and decoded while this one is multiplied, one barrier a block.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint kind = 0;
layout(constant_id = 1) const uint scaling = 0;
layout(constant_id = 2) const uint half_input = 0;
layout(constant_id = 3) const uint epilogue = 0;
layout(constant_id = 4) const uint with_bias = 0;
layout(constant_id = 5) const uint tile_rows = 128;
layout(constant_id = 6) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer quants_ { uvec4 quants[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer scales_ { uvec2 scales[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer inputs_ { uvec4 inputs[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer bias_ { float bias[]; };
layout(set = 0, binding = 4, std430) restrict buffer results_ { float results[]; };
layout(push_constant) uniform Params { uint rows, outputs, blocks, stride, first_column, first_bias; };

#include "../common/weights.glsl"
#include "../common/weight_halves.glsl"

const uint TILE_OUTPUTS = 128;
const uint PITCH = 5;  // of a row, in eight halves: 32 numbers and 8 that keep rows on different banks
shared uvec4 left[2 * tile_rows * PITCH];
shared uvec4 right[2 * TILE_OUTPUTS * PITCH];

// A subgroup does ROW_PARTS x OUTPUT_PARTS matrices; ACROSS of the 8 subgroups lie side by side along the outputs.
const uint OUTPUT_PARTS = 2, ACROSS = 8 / OUTPUT_PARTS, ROW_PARTS = tile_rows * ACROSS / 128;
#define SIDE 16
#define Sums coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator>
#define Left coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseA>
#define Right coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseB>

uint part_row() { return gl_SubgroupID / ACROSS * ROW_PARTS * SIDE; }
uint part_output() { return gl_SubgroupID % ACROSS * OUTPUT_PARTS * SIDE; }

// What a thread has on its way: 8 numbers each of one or two rows of inputs, 16 weights of one row and their scales.
uvec4 input_words[4];
WeightWords weight_words;

uint first_row() { return gl_WorkGroupID.x * tile_rows; }
uint first_output() { return gl_WorkGroupID.y * TILE_OUTPUTS; }

// Rows past the end are the last one again: their results are not kept.
void fetch(uint block) {
  const uint t = gl_LocalInvocationIndex;
  const uint WIDTH = half_input == 1 ? 1 : 2;
  [[unroll]] for (uint i = 0; i < tile_rows / 64; i++) {
    const uint row = min(first_row() + t / 4 + 64 * i, rows - 1);
    [[unroll]] for (uint w = 0; w < WIDTH; w++)
      input_words[i * 2 + w] = inputs[((row * blocks + block) * 4 + t % 4) * WIDTH + w];
  }
  weight_words = load_weights(min(first_output() + t % 128, outputs - 1), block, t / 128, blocks);
}

uvec4 halves_of(uvec4 low, uvec4 high) {
  const vec4 a = uintBitsToFloat(low), b = uintBitsToFloat(high);
  return uvec4(packHalf2x16(a.xy), packHalf2x16(a.zw), packHalf2x16(b.xy), packHalf2x16(b.zw));
}

void keep(uint place, uint block) {
  const uint t = gl_LocalInvocationIndex;
  [[unroll]] for (uint i = 0; i < tile_rows / 64; i++)
    left[(place * tile_rows + t / 4 + 64 * i) * PITCH + t % 4] =
        half_input == 1 ? input_words[i * 2] : halves_of(input_words[i * 2], input_words[i * 2 + 1]);
  uvec4 halves[2];
  decode_weights(weight_words, block, t / 128, halves);
  const uint at = (place * TILE_OUTPUTS + t % 128) * PITCH + t / 128 * 2;
  right[at] = halves[0];
  right[at + 1] = halves[1];
}

uint result_at(uint i, uint j) {
  return (first_row() + part_row() + i * SIDE) * stride + first_column + first_output() + part_output() + j * SIDE;
}

// Whole matrices to and from the results: their rows have to be aligned.
bool is_whole() {
  return with_bias == 0 && first_row() + tile_rows <= rows && first_output() + TILE_OUTPUTS <= outputs &&
         (stride | first_column) % 4 == 0;
}

void put_whole(Sums part, uint i, uint j) {
  if (epilogue == 1) {
    Sums before;
    coopMatLoad(before, results, result_at(i, j), stride, gl_CooperativeMatrixLayoutRowMajor);
    part += before;
  }
  coopMatStore(part, results, result_at(i, j), stride, gl_CooperativeMatrixLayoutRowMajor);
}

// By way of the subgroup's part of shared memory.
void put_by_number(Sums part, uint i, uint j) {
  const uint own = gl_SubgroupID * (SIDE * SIDE / 4);
  subgroupBarrier();
  coopMatStore(part, left, own, SIDE / 4, gl_CooperativeMatrixLayoutRowMajor);
  subgroupBarrier();
  const uint row = first_row() + part_row() + i * SIDE, column = first_output() + part_output() + j * SIDE;
  for (uint quad = gl_SubgroupInvocationID; quad < SIDE * SIDE / 4; quad += gl_SubgroupSize) {
    const vec4 four = uintBitsToFloat(left[own + quad]);
    [[unroll]] for (uint n = 0; n < 4; n++) {
      const uint output_row = column + quad % 4 * 4 + n;
      if (row + quad / 4 >= rows || output_row >= outputs) continue;
      const uint at = (row + quad / 4) * stride + first_column + output_row;
      float value = four[n];
      if (with_bias == 1) value += bias[first_bias + output_row];
      results[at] = epilogue == 1 ? results[at] + value : value;
    }
  }
}

void main() {
  Sums sums[8];
  [[unroll]] for (uint i = 0; i < ROW_PARTS * OUTPUT_PARTS; i++) sums[i] = Sums(0.0);
  fetch(0);
  keep(0, 0);
  barrier();
  for (uint block = 0; block < blocks; block++) {
    const uint place = block & 1;
    // Behind the last block comes that again, for nothing: without a branch, decoding goes between the multiplications.
    const uint next = min(block + 1, blocks - 1);
    fetch(next);
    const uint left_row = place * tile_rows + part_row(), right_row = place * TILE_OUTPUTS + part_output();
    [[unroll]] for (uint k = 0; k < 4; k += 2) {
      Right b[OUTPUT_PARTS];
      [[unroll]] for (uint j = 0; j < OUTPUT_PARTS; j++)
        coopMatLoad(b[j], right, (right_row + j * SIDE) * PITCH + k, PITCH, gl_CooperativeMatrixLayoutColumnMajor);
      [[unroll]] for (uint i = 0; i < ROW_PARTS; i++) {
        Left a;
        coopMatLoad(a, left, (left_row + i * SIDE) * PITCH + k, PITCH, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint j = 0; j < OUTPUT_PARTS; j++)
          sums[i * OUTPUT_PARTS + j] = coopMatMulAdd(a, b[j], sums[i * OUTPUT_PARTS + j]);
      }
    }
    keep(1 - place, next);
    barrier();
  }
  const bool whole = is_whole();
  [[unroll]] for (uint i = 0; i < ROW_PARTS; i++) [[unroll]] for (uint j = 0; j < OUTPUT_PARTS; j++) {
    if (whole) put_whole(sums[i * OUTPUT_PARTS + j], i, j);
    else put_by_number(sums[i * OUTPUT_PARTS + j], i, j);
  }
}
