#version 460
// attend_chunk on matrix units of 16 x 16 x 16 halves with float32 sums. Each of the workgroup's four subgroups has 16 of its
// 64 rows to itself: queries and results stay in its matrices, and scores pass through its own part of shared memory, where
// two lanes have a row. Keys and values lie in shared memory in turns, one on its way while the other is multiplied.
// head_size is a multiple of 16.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_vote : require

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint head_size = 128;
layout(constant_id = 1) const uint half_queries = 0;
layout(constant_id = 2) const uint form = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { uvec4 queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer keys_ { uvec4 keys[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer values_ { uvec4 values[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer pages_ { uint pages[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer steps_ { uvec4 steps[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer attended_ { uint attended[]; };
layout(set = 0, binding = 6, std430) writeonly restrict buffer blocks_ { vec4 blocks[]; };
layout(push_constant) uniform Params { uint rows, heads, kv_heads, page_stride, window; float scale; };

#define STORED_VALUES attended
#define STORED_BLOCKS blocks
#include "../common/store_block.glsl"
#include "../common/attend_chunk.glsl"

#define SIDE 16
#define Sums coopmat<float, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseAccumulator>
#define Left coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseA>
#define Right coopmat<float16_t, gl_ScopeSubgroup, SIDE, SIDE, gl_MatrixUseB>

const uint TILE = 32;  // tokens
const uint KEYS = TILE / SIDE, DIMS = head_size / SIDE, QUADS = TILE / 8;
// Of a row, in 16 bytes; one more than its contents, which keeps rows on different banks.
const uint SCORE_PITCH = TILE / 4 + 1, WEIGHT_PITCH = TILE / 8 + 1, PITCH = PARTS + 1;
shared uvec4 scores[4 * SIDE * SCORE_PITCH];    // float32, of a subgroup [16][TILE]; a row's factor 16 times; results
shared uvec4 weights[4 * SIDE * WEIGHT_PITCH];  // halves
shared uvec4 tile[TILE * PITCH];                // halves, of keys or values
// Queries stay in shared memory where it has room for them, else in registers.
const bool IS_HELD = head_size > 128;
shared uvec4 shared_queries[IS_HELD ? 1 : 64 * PITCH];

uint own_scores() { return gl_SubgroupID * SIDE * SCORE_PITCH; }
uint own_weights() { return gl_SubgroupID * SIDE * WEIGHT_PITCH; }
// Row of the subgroup that the lane works on, and which of the row's two lanes it is.
uint lane_row() { return gl_SubgroupInvocationID / 2; }
uint lane_half() { return gl_SubgroupInvocationID % 2; }

Left left[IS_HELD ? DIMS : 1];
Sums sums[DIMS];
float maximum = LEAST, total = 0;
uvec4 coming[(TILE * PARTS + 127) / 128];

#include "../common/attend_chunk_coop.glsl"

void main() {
  const uint live = live_rows(), part_row = gl_SubgroupID * SIDE;
  const uvec2 tokens = seen_tokens(live);
  const uint position = steps[0].y + gl_WorkGroupID.x * 64 + part_row;
  [[unroll]] for (uint d = 0; d < DIMS; d++) sums[d] = Sums(0.0);
  take_queries(live);
  const uint begin = tokens.x / TILE * TILE;
  fetch(begin, tokens, false);
  for (uint first = begin; first < tokens.y; first += TILE) {
    const bool is_part = part_row < live && first <= position + SIDE - 1;
    keep();
    fetch(first, tokens, true);
    barrier();
    if (is_part) {
      score();
      subgroupBarrier();
      const bool is_edge = first + TILE > min(position + 1, tokens.y) || first < start_of(position + SIDE - 1);
      const float factor = is_edge ? weigh(first, tokens.y, true) : weigh(first, tokens.y, false);
      if (subgroupAny(factor != 1)) scale_sums(factor);
    }
    barrier();
    keep();
    if (first + TILE < tokens.y) fetch(first + TILE, tokens, false);
    barrier();
    if (is_part) add_values();
    barrier();
  }
  // A row that is not live has no number to divide by.
  scale_sums(part_row + lane_row() < live ? 1 / total : 0);
  store_sums();
}
