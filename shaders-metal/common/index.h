// Numbers of threads and threadgroups in folded grids, and the packed-row layout (32 rows, 16-byte chunks).
constexpr constant uint NONE = 0xFFFFFFFF;

// Of a thread with thread_position_in_grid and threads_per_grid, or of a threadgroup with
// threadgroup_position_in_grid and threadgroups_per_grid.
inline uint linear_index(uint3 position, uint3 size) {
  return position.x + size.x * (position.y + size.y * position.z);
}

inline uint packed_index(uint row, uint row_chunks, uint chunk) {
  return ((row >> 5) * row_chunks + chunk) * 32 + (row & 31);
}
