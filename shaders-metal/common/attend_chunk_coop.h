// Parts of attend_chunk_coop.metal.
// Queries and sums of 16 rows take 96 of a thread's 128 registers (github.com/dougallj/applegpu) at a head size of 128:
// of longer heads there are 8 rows at a time, and no tile is on its way meanwhile.
constant bool IS_LONG = head_size > 128;
constant uint SIDE = IS_LONG ? 8 : 16;  // rows of a SIMD-group at a time, one matrix or two
constant uint ROW_LANES = 32 / SIDE;
constexpr constant uint MOST_DIMS = 32, MOST_COLUMNS = 4;  // matrices along a head and along a tile of tokens
constant uint DIMS = head_size / 8;
constant uint TILE = head_size > 64 ? 16 : 32;  // tokens
constant uint COLUMNS = TILE / 8;
constant uint FOURS = TILE / ROW_LANES / 4;  // of scores of a lane
// Numbers from row to row; more than there are, to keep rows on different banks. Weights are halves where scores were.
constexpr constant uint SCORE_PITCH = 36, WEIGHT_PITCH = 2 * SCORE_PITCH;
constant uint PITCH = head_size + 8;
constexpr constant uint MOST_TILE = 16 * (256 + 8) / 8;

#define ROWS_LOOP UNROLL for (uint r = 0; r < 2; r++) if (r < SIDE / 8)

// The thread's eighths of a tile of keys or values, on their way to threadgroup memory.
struct Coming {
  uint4 parts[4];

  void fetch(Chunk rows, Pages pages, device const uint4* from, uint first, uint t) thread {
    UNROLL for (uint i = 0; i < 4; i++) {
      const uint at = i * 128 + t;
      if (at < TILE * PARTS) parts[i] = cached_part(rows, pages, from, first + at / PARTS, at % PARTS);
    }
  }

  void keep(threadgroup uint4* tile, uint t) const thread {
    UNROLL for (uint i = 0; i < 4; i++) {
      const uint at = i * 128 + t;
      if (at < TILE * PARTS) tile[at / PARTS * (PARTS + 1) + at % PARTS] = parts[i];
    }
  }
};

// What a SIMD-group has: SIDE rows, of which lane l works on row l / ROW_LANES.
struct Attention {
  threadgroup float* scores;  // [SIDE][SCORE_PITCH] of the SIMD-group; weights; a row's factor 8 times; results
  uint first_row, lane;
  float maximum, total;  // of the lane's row
  simdgroup_half8x8 queries[2][MOST_DIMS];
  simdgroup_float8x8 sums[2][MOST_DIMS];

  threadgroup half* weights() const thread { return (threadgroup half*)scores; }
  uint row() const thread { return lane / ROW_LANES; }

  // By way of the weights, 32 numbers at a time.
  void take_queries(Chunk rows, device const uint4* from, uint heads) thread {
    maximum = LEAST;
    total = 0;
    const uint first = lane % ROW_LANES * (4 / ROW_LANES);
    threadgroup uint4* to = (threadgroup uint4*)scores + row() * (WEIGHT_PITCH / 8) + first;
    UNROLL for (uint d = 0; d < MOST_DIMS; d++) {
      if (d >= DIMS) continue;
      if (d % 4 == 0) {
        simdgroup_barrier(mem_flags::mem_threadgroup);
        for (uint i = 0; i < 4 / ROW_LANES; i++) {
          to[i] = halves_from(query_part(rows, from, heads, first_row + row(), d + first + i));
        }
        simdgroup_barrier(mem_flags::mem_threadgroup);
      }
      ROWS_LOOP {
        simdgroup_load(queries[r][d], weights() + r * 8 * WEIGHT_PITCH + d % 4 * 8, WEIGHT_PITCH);
        sums[r][d] = make_filled_simdgroup_matrix<float, 8, 8>(0);
      }
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }

  // Queries by the tile's keys.
  void score(threadgroup const half* tile) thread {
    simdgroup_float8x8 parts[2][MOST_COLUMNS];
    UNROLL for (uint j = 0; j < MOST_COLUMNS; j++) {
      ROWS_LOOP parts[r][j] = make_filled_simdgroup_matrix<float, 8, 8>(0);
    }
    UNROLL for (uint d = 0; d < MOST_DIMS; d++) {
      UNROLL for (uint j = 0; j < MOST_COLUMNS; j++) {
        if (d >= DIMS || j >= COLUMNS) continue;
        simdgroup_half8x8 key;
        simdgroup_load(key, tile + j * 8 * PITCH + d * 8, PITCH, ulong2(0), true);
        ROWS_LOOP simdgroup_multiply_accumulate(parts[r][j], queries[r][d], key, parts[r][j]);
      }
    }
    UNROLL for (uint j = 0; j < MOST_COLUMNS; j++) {
      if (j >= COLUMNS) continue;
      ROWS_LOOP { simdgroup_store(parts[r][j], scores + r * 8 * SCORE_PITCH + j * 8, SCORE_PITCH); }
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }

  // The lane's scores of its row become weights; returns the factor of the row's sums so far.
  float weigh(Chunk rows, uint first, float factor) thread {
    const uint position = rows.position + first_row;
    const bool is_edge = first + TILE > min(position + 1, rows.end) || first < rows.start_of(position + SIDE - 1);
    const uint column = lane % ROW_LANES * FOURS * 4;
    threadgroup const float4* from = (threadgroup const float4*)(scores + row() * SCORE_PITCH + column);
    threadgroup half4* to = (threadgroup half4*)(weights() + row() * WEIGHT_PITCH + column);
    float4 x[MOST_COLUMNS];
    float most = maximum, sum = 0;
    UNROLL for (uint i = 0; i < MOST_COLUMNS; i++) {
      if (i >= FOURS) continue;
      x[i] = from[i] * factor;
      UNROLL for (uint n = 0; n < 4; n++) {
        const uint token = first + column + i * 4 + n;
        if (is_edge && (token >= rows.end || !rows.sees(first_row + row(), token))) x[i][n] = LEAST;
      }
      most = max(most, max(max(x[i].x, x[i].y), max(x[i].z, x[i].w)));
    }
    for (ushort d = 1; d < ROW_LANES; d *= 2) most = max(most, simd_shuffle_xor(most, d));
    const bool none = most == LEAST;  // a row that has seen nothing yet
    simdgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint i = 0; i < MOST_COLUMNS; i++) {
      if (i >= FOURS) continue;
      const float4 four = none ? float4(0) : fast::exp2(x[i] - most);
      sum += dot(four, float4(1));
      to[i] = half4(four);
    }
    const float shrink = fast::exp2(maximum - most);
    maximum = most;
    for (ushort d = 1; d < ROW_LANES; d *= 2) sum += simd_shuffle_xor(sum, d);
    total = total * shrink + sum;
    return shrink;
  }

  // Multiplies the rows of all sums by the lanes' factors; which row a number is of, a matrix shows by what it loads.
  void scale_sums(float factor) thread {
    threadgroup float* factors = scores + TILE / 2;  // behind the weights
    threadgroup float4* own = (threadgroup float4*)(factors + row() * SCORE_PITCH);
    if (lane % ROW_LANES < 2) own[lane % ROW_LANES] = float4(factor);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    ROWS_LOOP {
      simdgroup_float8x8 rows;
      simdgroup_load(rows, factors + r * 8 * SCORE_PITCH, SCORE_PITCH);
      UNROLL for (uint d = 0; d < MOST_DIMS; d++) {
        if (d >= DIMS) continue;
        UNROLL for (uint i = 0; i < 2; i++) sums[r][d].thread_elements()[i] *= rows.thread_elements()[i];
      }
    }
  }

  // Weights by the tile's values.
  void add_values(threadgroup const half* tile) thread {
    UNROLL for (uint j = 0; j < MOST_COLUMNS; j++) {
      if (j >= COLUMNS) continue;
      simdgroup_half8x8 parts[2];
      ROWS_LOOP { simdgroup_load(parts[r], weights() + r * 8 * WEIGHT_PITCH + j * 8, WEIGHT_PITCH); }
      UNROLL for (uint d = 0; d < MOST_DIMS; d++) {
        if (d >= DIMS) continue;
        simdgroup_half8x8 value;
        simdgroup_load(value, tile + j * 8 * PITCH + d * 8, PITCH);
        ROWS_LOOP simdgroup_multiply_accumulate(sums[r][d], parts[r], value, sums[r][d]);
      }
    }
  }

  // By way of the scores, 32 numbers at a time.
  void store(Chunk rows, constant Params& params, StoredBlocks blocks) thread {
    UNROLL for (uint chunk = 0; chunk <= MOST_DIMS / 4; chunk++) {
      if (chunk * 4 >= DIMS + 4) continue;
      simdgroup_barrier(mem_flags::mem_threadgroup);
      UNROLL for (uint i = 0; i < 4; i++) {
        const uint d = min(chunk * 4 + i, MOST_DIMS - 1);
        if (chunk * 4 + i >= DIMS) continue;
        ROWS_LOOP { simdgroup_store(sums[r][d], scores + r * 8 * SCORE_PITCH + i * 8, SCORE_PITCH); }
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
      for (uint i = 0; i < SIDE && rows.first + first_row + i < params.rows; i++) {
        const Columns to = columns_of(blocks, rows.first + first_row + i, rows.head, params.heads, head_size);
        if (chunk * 32 < to.padded) to.store(chunk * 32 + lane, scores[i * SCORE_PITCH + lane]);
      }
    }
  }
};
