// Radix selection over the row_length keys of a row, one workgroup of 256; ties go to lower indices.
// Uses scan.glsl and, for histograms, the keys of sort_pairs.glsl; key_at(i) comes from the includer.
uint row_length;

// What may be gathered: keys up to `key_prefix` under `key_mask`, and of the equal ones only indices up to
// `index_prefix` under `index_mask`.
uint key_mask, key_prefix, index_mask, index_prefix;

shared uint digit, digit_begin, digit_count;
shared uint smallest_key, largest_key;

uint key_at(uint i);

// One step of radix selection: of the elements that equal the prefixes, keeps those whose next digit is that of the
// needed-th smallest. `needed` and `bucket` become the rank wanted among them and their number.
void narrow(bool by_index, uint shift, uint width, inout uint needed, inout uint bucket) {
  const uint t = gl_LocalInvocationIndex;
  barrier();
  for (uint i = t; i < 1024; i += 256) keys[i] = 0;
  barrier();
  for (uint base = t; base < row_length; base += 1024) {
    uint key[4];
    [[unroll]] for (uint j = 0; j < 4; ++j) key[j] = key_at(base + j * 256);
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      const uint i = base + j * 256;
      if (i >= row_length || (key[j] & key_mask) != key_prefix || (i & index_mask) != index_prefix) continue;
      atomicAdd(keys[(t & 3) * 256 + bitfieldExtract(by_index ? i : key[j], int(shift), int(width))], 1);
    }
  }
  barrier();
  const uint own = keys[t] + keys[t + 256] + keys[t + 512] + keys[t + 768];
  const uint inclusive = workgroup_inclusive_scan(own);
  if (inclusive - own < needed && needed <= inclusive) {
    digit = t;
    digit_begin = inclusive - own;
    digit_count = own;
  }
  barrier();
  needed -= digit_begin;
  bucket = digit_count;
  const uint mask = ((1u << width) - 1) << shift;
  if (by_index) {
    index_mask |= mask;
    index_prefix |= digit << shift;
  } else {
    key_mask |= mask;
    key_prefix |= digit << shift;
  }
}

// Narrows what may be gathered until it fits; digits start at the highest bit in which keys differ.
void select_by_radix(uint want) {
  if (gl_LocalInvocationIndex == 0) {
    smallest_key = NONE;
    largest_key = 0;
  }
  barrier();
  uint low = NONE, high = 0;
  for (uint base = gl_LocalInvocationIndex; base < row_length; base += 1024) {
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      const uint key = key_at(base + j * 256);
      low = min(low, key);
      if (key != NONE) high = max(high, key);
    }
  }
  atomicMin(smallest_key, low);
  atomicMax(largest_key, high);
  barrier();
  const uint key_bits = findMSB(smallest_key ^ largest_key) + 1;
  key_mask = key_bits == 32 ? 0 : NONE << key_bits;
  key_prefix = smallest_key & key_mask;
  uint needed = want, bucket = row_length;
  uint bits_left = key_bits;
  for (uint by_index = 0; by_index < 2; ++by_index) {
    for (uint width; bits_left > 0 && want - needed + bucket > CAPACITY; bits_left -= width) {
      width = min(bits_left, 8);
      narrow(by_index == 1, bits_left - width, width, needed, bucket);
    }
    bits_left = findMSB(row_length - 1) + 1;
  }
}
