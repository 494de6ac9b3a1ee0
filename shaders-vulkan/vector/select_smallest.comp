#version 460
// The k smallest values of each row, ascending by (value, index): NONE and +Inf where there are fewer.
// One workgroup handles one row: bounds the k-th key, gathers what is not above the bound, sorts that.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer values_ { float values[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer lengths_ { uint lengths[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer indices_ { uint indices[]; };
layout(set = 0, binding = 3, std430) writeonly restrict buffer best_ { float best[]; };
layout(push_constant) uniform Params { uint rows, stride, k; };

#include "../common/index.glsl"
#include "../common/scan.glsl"
#include "../common/sort_pairs.glsl"
#include "../common/radix_select.glsl"

uint row_begin;
shared uint bound;
shared uint gathered;

// Order of keys = order of floats; both zeros are one. NONE, above every key, past the end of the row.
// The load is unconditional, so that the compiler can have several in flight.
uint key_at(uint i) {
  const uint bits = floatBitsToUint(values[row_begin + min(i, row_length - 1)]);
  const uint key = bits == 0x80000000u ? bits : bits ^ (uint(int(bits) >> 31) | 0x80000000u);
  return i < row_length ? key : NONE;
}

// Smallest key of i, i + 256 .. i + 1792.
uint batch_minimum(uint i) {
  uint smallest = NONE;
  [[unroll]] for (uint j = 0; j < 8; ++j) smallest = min(smallest, key_at(i + j * 256));
  return smallest;
}

// The want-th smallest of the minima of `lanes` disjoint parts of the row is not below its want-th smallest key.
// For few, a quarter of a long row is enough, so that most of it is read only once, by gather.
uint bound_key(uint want) {
  const uint t = gl_LocalInvocationIndex;
  const uint lanes = want <= 32 ? 64 : 256;
  const uint step = row_length > 8192 && want <= 32 ? 8192 : 2048;
  uint own = NONE;
  for (uint i = t; i < row_length; i += step) own = min(own, batch_minimum(i));
  scan_words[t] = own;
  barrier();
  if (t < lanes) {
    for (uint i = t + lanes; i < 256; i += lanes) own = min(own, scan_words[i]);
    scan_words[t] = own;
  }
  barrier();
  uint rank = t < lanes ? 0 : NONE;
  for (uint i = 0; t < lanes && i < lanes; ++i) {
    const uint other = scan_words[i];
    rank += uint(other < own || (other == own && i < t));
  }
  if (rank == want - 1) bound = own;
  barrier();
  return bound;
}

bool selected(uint key, uint i) {
  key &= key_mask;
  return key < key_prefix || (key == key_prefix && (i & index_mask) <= index_prefix);
}

// Collects what is selected, in any order; returns how many there are, which may be more than fit.
uint gather() {
  barrier();
  if (gl_LocalInvocationIndex == 0) gathered = 0;
  barrier();
  for (uint base = gl_LocalInvocationIndex; base < row_length; base += 2048) {
    uint found = 0;
    [[unroll]] for (uint j = 0; j < 8; ++j) {
      if ((key_at(base + j * 256) & key_mask) <= key_prefix) found |= 1u << j;
    }
    for (; found != 0; found &= found - 1) {
      const uint i = base + findLSB(found) * 256;
      const uint key = key_at(i);
      if (i >= row_length || !selected(key, i)) continue;
      const uint place = atomicAdd(gathered, 1);
      if (place < CAPACITY) {
        keys[place] = key;
        ids[place] = i;
      }
    }
  }
  barrier();
  return gathered;
}

void write_pair(uint place, uint key, uint id) {
  indices[place] = id;
  best[place] = uintBitsToFloat(key ^ ((key & 0x80000000u) != 0 ? 0x80000000u : NONE));
}

// Writes the `want` smallest of the gathered pairs in order, and fills the row up.
void write_row(uint row, uint want, uint count) {
  if (count <= 512) {
    for (uint p = gl_LocalInvocationIndex; p < count; p += 256) {
      const uint rank = rank_of(p, count);
      if (rank < want) write_pair(row * k + rank, keys[p], ids[p]);
    }
  } else {
    sort_pairs(count);
    for (uint p = gl_LocalInvocationIndex; p < want; p += 256) write_pair(row * k + p, keys[p], ids[p]);
  }
  for (uint p = want + gl_LocalInvocationIndex; p < k; p += 256) {
    indices[row * k + p] = NONE;
    best[row * k + p] = INFINITY;
  }
}

void main() {
  const uint row = linear_workgroup();
  if (row >= rows) return;
  row_begin = row * stride;
  row_length = lengths[row];
  key_mask = key_prefix = index_mask = index_prefix = 0;  // everything
  const uint want = min(k, row_length);
  bool by_radix = want > 128 && row_length > CAPACITY;
  if (want <= 128 && row_length > 256) {
    key_mask = NONE;
    key_prefix = bound_key(want);
  }
  uint count = CAPACITY + 1;
  for (uint attempt = 0; attempt < 2 && count > CAPACITY; ++attempt) {
    if (by_radix) select_by_radix(want);
    count = gather();
    by_radix = true;
  }
  write_row(row, want, count);
}
