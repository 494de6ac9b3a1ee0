#version 460
// score = sum over m of q_m.codeword[m, code]; each part of the keys keeps its `heavy` greatest, in order of position.
// One workgroup scans one part of a KV head's keys for one head of the list, by a table of subspaces x codewords.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { float queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer codebooks_ { vec4 codebooks[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer codes_ { uint codes[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer state_ { uint state[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer scores_ { uint scores[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer positions_ { uint positions[]; };
layout(push_constant) uniform Params {
  uint dimensions, subdimensions, chunks, subspace_chunks, codewords, words, part, heavy, sink, window;
  uint query_rows, heads_per_kv, first_kv, stride;
};

#include "../common/index.glsl"
#include "../common/top_keys.glsl"

shared float table[4096];
shared uint part_keys[2304];

uint top_key(uint i) { return part_keys[slot_of(i)]; }

// The sum of the head's queries, each sub-vector padded to whole chunks, in top_words.
void load_query(uint head) {
  const uint padded = subspace_chunks * 4;
  for (uint i = gl_LocalInvocationIndex; i < dimensions / subdimensions * padded; i += 256) {
    const uint within = i % padded;
    float sum = 0;
    if (within < subdimensions) {
      const uint first = head * query_rows * dimensions + i / padded * subdimensions + within;
      for (uint row = 0; row < query_rows; ++row) sum += queries[first + row * dimensions];
    }
    top_words[i] = floatBitsToUint(sum);
  }
  barrier();
}

vec4 query_chunk(uint chunk) {
  const uint q = chunk * 4;
  return uintBitsToFloat(uvec4(top_words[q], top_words[q + 1], top_words[q + 2], top_words[q + 3]));
}

// Eight loads are in flight at a time. Where entries are few, two threads share one: chunks first, first + step ...
float entry_part(uint first_codebook, uint first_query, uint first, uint step) {
  vec4 sum = vec4(0);
  for (uint base = first; base < subspace_chunks; base += 8 * step) {
    vec4 codeword[8];
    [[unroll]] for (uint i = 0; i < 8; ++i)
      codeword[i] = codebooks[first_codebook + min(base + i * step, subspace_chunks - 1) * 32];
    [[unroll]] for (uint i = 0; i < 8; ++i) {
      if (base + i * step < subspace_chunks) sum += query_chunk(first_query + base + i * step) * codeword[i];
    }
  }
  return (sum.x + sum.y) + (sum.z + sum.w);
}

void build_table(uint kv) {
  const uint t = gl_LocalInvocationIndex;
  const uint subspaces = dimensions / subdimensions, entries = subspaces * codewords;
  const uint lanes = entries <= 128 ? 2 : 1;
  for (uint i = t; i < entries * lanes; i += 256) {
    const uint entry = i % entries, m = entry / codewords;
    const uint first = packed_index(entry % codewords, chunks, (kv * subspaces + m) * subspace_chunks);
    table[i] = entry_part(first, m * subspace_chunks, i / entries, lanes);
  }
  barrier();
  if (lanes == 2 && t < entries) table[t] += table[entries + t];
  barrier();
}

// Words of subspace m: those of this thread's first, second and third four keys.
uvec3 load_words(uint first_word, uint m) {
  const uint first = first_word + m * words, last = words - 1 - (first_word % words);
  const uvec3 at = first + min(gl_LocalInvocationIndex + uvec3(0, 256, 512), last);
  return uvec3(codes[at.x], codes[at.y], codes[at.z]);
}

vec4 look_up(uint word, uint base) {
  return vec4(table[base + (word & 255)], table[base + ((word >> 8) & 255)], table[base + ((word >> 16) & 255)],
              table[base + (word >> 24)]);
}

void main() {
  const uint t = gl_LocalInvocationIndex;
  const uint head = first_kv * heads_per_kv + gl_WorkGroupID.y;
  const uint kv = gl_WorkGroupID.y / heads_per_kv;
  const uint total = state[0];
  const uint first = sink + gl_WorkGroupID.x * part;
  if (first / 4 >= words) return;
  // The first codes and the query travel while the table is not there yet.
  const uint subspaces = dimensions / subdimensions;
  const uint first_word = kv * subspaces * words + first / 4;
  uvec3 word = load_words(first_word, 0);
  load_query(head);
  if (total < window || first >= total - window) return;
  const uint count = min(part, total - window - first);
  build_table(kv);
  vec4 sums[3] = vec4[](vec4(0), vec4(0), vec4(0));
  for (uint m = 0; m < subspaces; ++m) {
    const uvec3 next = load_words(first_word, min(m + 1, subspaces - 1));
    [[unroll]] for (uint step = 0; step < 3; ++step) sums[step] += look_up(word[step], m * codewords);
    word = next;
  }
  [[unroll]] for (uint step = 0; step < 3; ++step) {
    [[unroll]] for (uint i = 0; i < 4; ++i) {
      const uint at = (first / 4 + t + step * 256) * 4 + i - first;
      if (at < count) part_keys[slot_of(at)] = ordered_key(sums[step][i]);
    }
  }
  barrier();
  const uint want = min(heavy, count);
  bound_top(count, want);
  const uint run = (count + 255) / 256, begin = min(t * run, count), end = min(begin + run, count);
  uint equal_before;
  uint place = head * stride + gl_WorkGroupID.x * min(heavy, part) + place_of_run(begin, end, equal_before);
  for (uint i = begin; i < end; ++i) {
    const uint key = top_key(i);
    if (!is_top(key, equal_before)) continue;
    scores[place] = key;
    positions[place++] = first + i;
  }
}
