// The `want` greatest of `count` keys, ties to lower indices, by one workgroup of 256.
// Selected are keys above `top_prefix` under `top_mask`, and the first `top_equal` of those equal to it.
shared uint top_words[1024];  // free for the includer before bound_top
shared uint top_scan[256], top_rows[16];
shared uint top_low, top_high, top_digit, top_above, top_bucket;
const uint FEW = 64;  // keys that are quicker ranked than told apart by another digit
uint top_mask, top_prefix, top_equal;

uint top_key(uint i);  // from the includer

// Where key i lies in shared memory: runs of eight neighbours begin in different banks.
uint slot_of(uint i) { return i + (i >> 3); }

// Order of keys = order of floats; both zeros are one.
uint ordered_key(float value) {
  const uint bits = floatBitsToUint(value);
  return bits == 0x80000000u ? bits : bits ^ (uint(int(bits) >> 31) | 0x80000000u);
}

// Inclusive prefix sum over the workgroup: within rows of 16, then over rows, with few barriers.
uint prefix_sum(uint value) {
  const uint t = gl_LocalInvocationIndex, row = t / 16, column = t % 16;
  barrier();
  top_scan[t] = value;
  barrier();
  uint sum = 0;
  [[unroll]] for (uint i = 0; i < 16; ++i) sum += i <= column ? top_scan[row * 16 + i] : 0;
  if (column == 15) top_rows[row] = sum;
  barrier();
  [[unroll]] for (uint i = 0; i < 16; ++i) sum += i < row ? top_rows[i] : 0;
  return sum;
}

// Keeps those whose next digit is that of the top_equal-th greatest; returns how many they are.
uint narrow_top(uint count, uint shift, uint width) {
  const uint t = gl_LocalInvocationIndex;
  for (uint i = t; i < 1024; i += 256) top_words[i] = 0;
  barrier();
  for (uint i = t; i < count; i += 256) {
    const uint key = top_key(i);
    // Four histograms: the keys of neighbours often share a digit.
    if ((key & top_mask) == top_prefix)
      atomicAdd(top_words[(255 - bitfieldExtract(key, int(shift), int(width))) * 4 + (t & 3)], 1);
  }
  barrier();
  const uint own = top_words[4 * t] + top_words[4 * t + 1] + top_words[4 * t + 2] + top_words[4 * t + 3];
  const uint inclusive = prefix_sum(own);
  if (inclusive - own < top_equal && top_equal <= inclusive) {
    top_digit = 255 - t;
    top_above = inclusive - own;
    top_bucket = own;
  }
  barrier();
  top_equal -= top_above;
  top_mask |= ((1u << width) - 1) << shift;
  top_prefix |= top_digit << shift;
  return top_bucket;
}

// Finds the bound among the few keys that equal the prefix: each ranks itself.
void rank_few(uint count) {
  const uint t = gl_LocalInvocationIndex;
  barrier();
  if (t == 0) top_bucket = 0;
  if (t < FEW) top_words[t] = 0;
  barrier();
  for (uint i = t; i < count; i += 256) {
    const uint key = top_key(i);
    if ((key & top_mask) == top_prefix) top_words[atomicAdd(top_bucket, 1)] = key;
  }
  barrier();
  const uint bucket = top_bucket, own = t < bucket ? top_words[t] : 0;
  uint above = 0, equal = 0;
  for (uint base = 0; base < bucket; base += 8) {
    [[unroll]] for (uint i = 0; i < 8; ++i) {
      above += uint(top_words[base + i] > own);
      equal += uint(top_words[base + i] == own);
    }
  }
  if (t < bucket && above < top_equal && top_equal <= above + equal) {
    top_digit = own;
    top_above = above;
  }
  barrier();
  top_mask = 0xFFFFFFFFu;
  top_prefix = top_digit;
  top_equal -= top_above;
}

// Finds the bound. Digits start at the highest bit in which keys differ.
void bound_top(uint count, uint want) {
  barrier();
  if (gl_LocalInvocationIndex == 0) {
    top_low = 0xFFFFFFFFu;
    top_high = 0;
  }
  barrier();
  uint low = 0xFFFFFFFFu, high = 0;
  for (uint i = gl_LocalInvocationIndex; i < count; i += 256) {
    const uint key = top_key(i);
    low = min(low, key);
    high = max(high, key);
  }
  atomicMin(top_low, low);
  atomicMax(top_high, high);
  barrier();
  uint bits_left = uint(findMSB(top_low ^ top_high) + 1);
  top_mask = bits_left == 32 ? 0 : 0xFFFFFFFFu << bits_left;
  top_prefix = top_low & top_mask;
  top_equal = want;
  uint bucket = count;
  for (uint width; bits_left > 0 && bucket > max(top_equal, FEW); bits_left -= width) {
    width = min(bits_left, 8);
    bucket = narrow_top(count, bits_left - width, width);
  }
  if (bits_left > 0 && bucket > top_equal) rank_few(count);
}

// Where this thread's run of neighbouring keys begins among the selected, and how many equal ones come before it.
uint place_of_run(uint begin, uint end, out uint equal_before) {
  uint above = 0, equal = 0;
  for (uint i = begin; i < end; ++i) {
    const uint key = top_key(i) & top_mask;
    above += uint(key > top_prefix);
    equal += uint(key == top_prefix);
  }
  equal_before = prefix_sum(equal) - equal;
  return prefix_sum(above) - above + min(equal_before, top_equal);
}

bool is_top(uint key, inout uint equal_before) {
  key &= top_mask;
  return key > top_prefix || (key == top_prefix && equal_before++ < top_equal);
}
