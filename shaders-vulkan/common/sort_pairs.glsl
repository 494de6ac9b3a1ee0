// Sorting of up to CAPACITY (key, id) pairs in shared memory by a workgroup of 256.
const uint CAPACITY = 2048;
shared uint keys[CAPACITY];
shared uint ids[CAPACITY];

bool in_order(uint a, uint b) { return keys[a] < keys[b] || (keys[a] == keys[b] && ids[a] <= ids[b]); }

// The place of pair p among the first `count` pairs: for a few pairs, quicker than sorting.
uint rank_of(uint p, uint count) {
  const uint key = keys[p], id = ids[p];
  uint rank = 0;
  for (uint i = 0; i < count; ++i) {
    const uint other = keys[i], other_id = ids[i];
    rank += uint(other < key) + (uint(other == key) & uint(other_id < id));
  }
  return rank;
}

// Bitonic sort of the first `count` pairs by (key, id).
void sort_pairs(uint count) {
  const uint size = 1u << (findMSB(max(count, 1) - 1) + 1);
  for (uint i = count + gl_LocalInvocationIndex; i < size; i += 256) {
    keys[i] = NONE;
    ids[i] = NONE;
  }
  barrier();
  for (uint run = 2; run <= size; run *= 2) {
    for (uint distance = run / 2; distance > 0; distance /= 2) {
      for (uint i = gl_LocalInvocationIndex; i < size / 2; i += 256) {
        const uint a = 2 * i - (i & (distance - 1)), b = a + distance;
        if (in_order(a, b) == ((a & run) == 0)) continue;
        const uint key = keys[a], id = ids[a];
        keys[a] = keys[b];
        ids[a] = ids[b];
        keys[b] = key;
        ids[b] = id;
      }
      barrier();
    }
  }
}
