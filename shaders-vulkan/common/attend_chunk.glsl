// What attention kernels of a chunk of rows share: which tokens a row sees, queries, and writing of results.
const uint PARTS = head_size / 8;
const float LEAST = -1e30;  // finite, so that differences of it are numbers

shared uint live_end;

uint kv_head() { return gl_WorkGroupID.y / (heads / kv_heads); }

// Of the workgroup's 64 rows.
uint live_rows() {
  const uint t = gl_LocalInvocationIndex, row = gl_WorkGroupID.x * 64 + t;
  if (t == 0) live_end = 0;
  barrier();
  if (t < 64 && row < rows && steps[row].w != 0) atomicMax(live_end, t + 1);
  barrier();
  return live_end;
}

uint start_of(uint position) { return window == 0 || position + 1 <= window ? 0 : position + 1 - window; }

// First and end of the tokens that any of the workgroup's rows sees.
uvec2 seen_tokens(uint live) {
  const uint position = steps[0].y + gl_WorkGroupID.x * 64;
  return live == 0 ? uvec2(0) : uvec2(start_of(position), position + live);
}

bool is_seen(uint row, uint token) {
  const uint position = steps[0].y + gl_WorkGroupID.x * 64 + row;
  return token <= position && token >= start_of(position);
}

void query_part(uint row, uint part, out vec4 two[2]) {
  const uint at = (row * heads + gl_WorkGroupID.y) * PARTS + part;
  if (half_queries == 0) {
    two[0] = uintBitsToFloat(queries[2 * at]);
    two[1] = uintBitsToFloat(queries[2 * at + 1]);
  } else {
    const uvec4 words = queries[at];
    two[0] = vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
    two[1] = vec4(unpackHalf2x16(words.z), unpackHalf2x16(words.w));
  }
}

// For the whole workgroup at once: 32 neighbouring threads bring 32 numbers of row `row` of the workgroup's.
void store_chunk(uint row, uint chunk, float value) {
  const uint row_blocks = (heads * head_size + 31) / 32, lane = gl_LocalInvocationIndex % 32;
  const uint at_row = gl_WorkGroupID.x * 64 + row, head = gl_WorkGroupID.y, i = chunk * 32 + lane;
  if (head_size % 32 == 0) {
    store_blocks(at_row * row_blocks + head * PARTS / 4 + chunk, at_row < rows, value, value);
    return;
  }
  const float other = stored_partner(vec2(value, 0), 1).x;
  // The last head pads the row with zeros.
  const uint column = head * head_size + i, at = at_row * row_blocks * 32 + column;
  const bool is_last = head == heads - 1;
  if (at_row >= rows || i >= (is_last ? row_blocks * 32 - head * head_size : head_size)) return;
  if (form == 0) attended[at] = floatBitsToUint(i < head_size ? value : 0);
  else if (lane % 2 == 0) attended[at / 2] = i < head_size ? packHalf2x16(vec2(value, other)) : 0;
  if (column % 32 == 0) blocks[at / 32] = vec4(1, 0, 0, 0);
}
