// The tokens of a row that may be chosen: those whose (key, place) is not below a bound that only rises. Place is ~id,
// so that the lower one of equal tokens is the better. They are in the row's blocks whose largest logit is not below
// the bound, or, once they are few, in a list. A workgroup of 512 does a row. Sums are integers: no order of addition
// matters. The includer has the buffers logits_, winners_ and what sampling.glsl asks for, and `vocabulary`.
const uint THREADS = 512, CAPACITY = 2048, FEW = 512, MAX_BLOCKS = 1024;
shared uint list_keys[CAPACITY], list_ids[CAPACITY], list_blocks[MAX_BLOCKS];
shared uint words[768];
shared uint found_key, found_place, found, gathered, total_low, total_high;
Sampler sampler_state;
uint row_begin, row_blocks, first_winner, top_key;
bool listed, by_mass;
uint size, bound_key, bound_place;

uvec2 element(uint n) {
  if (n >= size) return uvec2(0);
  if (listed) return uvec2(list_keys[n], list_ids[n]);
  const uint id = list_blocks[n / LOGIT_BLOCK] * LOGIT_BLOCK + n % LOGIT_BLOCK;
  return uvec2(id < vocabulary ? key_of(logits[row_begin + id]) : 0, id);
}

bool better(uvec2 a, uvec2 b) { return a.x > b.x || (a.x == b.x && a.y < b.y); }
bool is_candidate(uvec2 e) { return e.x > bound_key || (e.x == bound_key && ~e.y >= bound_place); }
uint measure(uint key) { return by_mass ? weight_of(sampler_state, logit_of(top_key), logit_of(key)) : 1; }

bool less(uvec2 a, uvec2 b) { return a.y < b.y || (a.y == b.y && a.x < b.x); }
uvec2 plus(uvec2 a, uvec2 b) {
  uint carry;
  const uint low = uaddCarry(a.x, b.x, carry);
  return uvec2(low, a.y + b.y + carry);
}
uvec2 minus(uvec2 a, uvec2 b) {
  uint borrow;
  const uint low = usubBorrow(a.x, b.x, borrow);
  return uvec2(low, a.y - b.y - borrow);
}

void raise_bound(uint key, uint place) {
  if (key < bound_key || (key == bound_key && place <= bound_place)) return;
  bound_key = key;
  bound_place = place;
}

void select_blocks() {
  barrier();
  if (gl_LocalInvocationIndex == 0) gathered = 0;
  barrier();
  for (uint b = gl_LocalInvocationIndex; b < row_blocks; b += THREADS)
    if (winners[first_winner + b].x >= bound_key) list_blocks[atomicAdd(gathered, 1)] = b;
  barrier();
  size = gathered * LOGIT_BLOCK;
  listed = false;
}

// Lists the candidates if they fit.
void gather() {
  barrier();
  if (gl_LocalInvocationIndex == 0) gathered = 0;
  barrier();
  for (uint first = 0; first < size; first += 4 * THREADS) {
    uvec2 e[4];
    [[unroll]] for (uint j = 0; j < 4; j++) e[j] = element(first + j * THREADS + gl_LocalInvocationIndex);
    // A list is gathered in its own place; it is no longer than this one turn.
    if (listed) barrier();
    [[unroll]] for (uint j = 0; j < 4; j++) {
      if (!is_candidate(e[j])) continue;
      const uint place = atomicAdd(gathered, 1);
      if (place >= CAPACITY) continue;
      list_keys[place] = e[j].x;
      list_ids[place] = e[j].y;
    }
  }
  barrier();
  if (gathered > CAPACITY) return;
  size = gathered;
  listed = true;
}

// Sum over the workgroup.
uvec2 workgroup_sum(uvec2 own) {
  barrier();
  if (gl_LocalInvocationIndex == 0) total_low = total_high = 0;
  barrier();
  const uint before = atomicAdd(total_low, own.x);
  const uint high = own.y + uint(before + own.x < before);
  if (high != 0) atomicAdd(total_high, high);
  barrier();
  return uvec2(total_low, total_high);
}
