// Blocks of 32 numbers of an activation in the constant `form`: 0 floats, 1 halves, 2 signed bytes with a scale.
struct StoredBlocks {
  device uint* values;
  device float4* blocks;
  uint lane;  // thread_index_in_simdgroup

  // For a whole SIMD-group at once: its lanes bring the numbers of one block; squares are summed of `before`.
  void store(uint block, float value, float before) const thread {
    const float squares = simd_sum(before * before);
    const uint at = block * 32 + lane;
    if (form == 0) ((device float*)values)[at] = value;
    if (form == 1) ((device half*)values)[at] = half(value);
    if (form != 2) {
      if (lane == 0) blocks[block] = float4(1, 0, squares, 0);
      return;
    }
    const float most = simd_max(abs(value));
    // Below that the inverse would overflow.
    const bool zero = most < 1e-35;
    const int quant = zero ? 0 : int(rint(value * (127 / most)));
    const int sum = simd_sum(quant);
    const float scale = zero ? 0 : most / 127;
    ((device char*)values)[at] = char(quant);
    if (lane == 0) blocks[block] = float4(scale, scale * float(sum), squares, 0);
  }
};
