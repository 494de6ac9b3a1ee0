// How the bound of candidates.glsl rises to where the best candidates reach a count or a mass.

// The bound becomes the candidate at which the measures of the best ones reach `want`: each sums up those before it.
void raise_few(uvec2 want) {
  const uint t = gl_LocalInvocationIndex;
  const uvec2 own = element(t);
  const bool counts = t < size && is_candidate(own);
  const uint weight = counts ? measure(own.x) : 0;
  barrier();
  words[t] = weight;
  if (t == 0) {
    found_key = bound_key;
    found_place = bound_place;
  }
  barrier();
  uvec2 before = uvec2(0);
  for (uint n = 0; n < size; n++)
    if (better(uvec2(list_keys[n], list_ids[n]), own)) before = plus(before, uvec2(words[n], 0));
  if (counts && less(before, want) && !less(plus(before, uvec2(weight, 0)), want)) {
    found_key = own.x;
    found_place = ~own.y;
  }
  barrier();
  bound_key = found_key;
  bound_place = found_place;
}

// Radix selection: candidates that equal the prefix are told apart by their next digit.
uint key_mask, key_prefix, place_mask, place_prefix;

void count_digits(bool places, uint shift, uint width) {
  const uint t = gl_LocalInvocationIndex;
  barrier();
  for (uint i = t; i < 768; i += THREADS) words[i] = 0;
  barrier();
  for (uint base = t; base < size; base += 4 * THREADS) {
    uvec2 e[4];
    [[unroll]] for (uint j = 0; j < 4; j++) e[j] = element(base + j * THREADS);
    [[unroll]] for (uint j = 0; j < 4; j++) {
      if (!is_candidate(e[j]) || (e[j].x & key_mask) != key_prefix || (~e[j].y & place_mask) != place_prefix) continue;
      const uint digit = bitfieldExtract(places ? ~e[j].y : e[j].x, int(shift), int(width));
      atomicAdd(words[digit], 1);
      if (!by_mass) continue;
      const uint weight = measure(e[j].x);
      if (atomicAdd(words[256 + digit], weight) + weight < weight) atomicAdd(words[512 + digit], 1);
    }
  }
  barrier();
}

shared uvec2 sixteenths[16];
uvec2 digit_sum(uint d) { return by_mass ? uvec2(words[256 + d], words[512 + d]) : uvec2(words[d], 0); }

// The digit at which the sum from the largest digit on reaches `needed`, which becomes what is needed of that digit.
// Returns how many have the digit, 0 where the sum does not get there.
uint find_digit(inout uvec2 needed) {
  const uint t = gl_LocalInvocationIndex;
  if (t == 0) found = 0;
  // Sums of 16 neighbouring digits, so that none adds up hundreds.
  if (t < 16) {
    uvec2 sum = uvec2(0);
    for (uint d = t * 16; d < t * 16 + 16; d++) sum = plus(sum, digit_sum(d));
    sixteenths[t] = sum;
  }
  barrier();
  uvec2 above = uvec2(0);
  if (t < 256) {
    for (uint d = t + 1; d % 16 != 0; d++) above = plus(above, digit_sum(d));
    for (uint d = t / 16 + 1; d < 16; d++) above = plus(above, sixteenths[d]);
  }
  if (t < 256 && words[t] != 0) {
    const uvec2 own = digit_sum(t);
    if (less(above, needed) && !less(plus(above, own), needed)) {
      found = t + 1;
      total_low = above.x;
      total_high = above.y;
    }
  }
  barrier();
  if (found == 0) return 0;
  needed = minus(needed, uvec2(total_low, total_high));
  return words[found - 1];
}

// How many have a digit from the found one on.
uint count_from_digit() {
  const uint t = gl_LocalInvocationIndex;
  const uint digit = found - 1;
  return workgroup_sum(uvec2(t < 256 && t >= digit ? words[t] : 0, 0)).x;
}

// Leaves the rest to raise_few where few candidates remain, and says so.
bool raise_by_radix(uvec2 want) {
  uvec2 needed = want;
  uint above = 0, bits = uint(findMSB(bound_key ^ top_key) + 1);
  key_mask = bits == 32 ? 0 : 0xFFFFFFFFu << bits;
  key_prefix = top_key & key_mask;
  place_mask = place_prefix = 0;
  const uint place_bits = uint(findMSB(max(vocabulary - 1, 1u)) + 1);
  bool places = false;
  for (;;) {
    if (bits == 0 && places) return false;
    if (bits == 0) {
      // The upper bits of places are all set.
      places = true;
      bits = place_bits;
      place_mask = place_prefix = 0xFFFFFFFFu << bits;
    }
    const uint width = min(bits, 8);
    bits -= width;
    count_digits(places, bits, width);
    const uint bucket = find_digit(needed), digit = found - 1;
    if (bucket == 0) return false;
    const uint kept = above + count_from_digit();
    above = kept - bucket;
    const uint mask = ((1u << width) - 1) << bits;
    if (places) {
      place_mask |= mask;
      place_prefix |= digit << bits;
    } else {
      key_mask |= mask;
      key_prefix |= digit << bits;
    }
    raise_bound(key_prefix, place_prefix);
    if (bucket == 1) return false;
    if (!listed) select_blocks();
    if (kept <= (listed ? FEW : CAPACITY)) gather();
    if (listed && size <= FEW) return true;
  }
}

// The bound rises to the last of the best candidates that are needed for a sum of `want`; it stays where all do not do.
void raise(uvec2 want) {
  bool few = listed && size <= FEW;
  if (!few) few = raise_by_radix(want);
  if (few) raise_few(want);
}
