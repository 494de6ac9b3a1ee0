// Numbers of workgroups and invocations in folded grids, and the packed-row layout (32 rows, 16-byte chunks).
const uint NONE = 0xFFFFFFFFu;
#define INFINITY uintBitsToFloat(0x7F800000u)

uint linear_workgroup() {
  return gl_WorkGroupID.x + gl_NumWorkGroups.x * (gl_WorkGroupID.y + gl_NumWorkGroups.y * gl_WorkGroupID.z);
}

// For workgroups of 256.
uint linear_invocation() { return linear_workgroup() * 256 + gl_LocalInvocationIndex; }

uint packed_index(uint row, uint row_chunks, uint chunk) {
  return ((row >> 5) * row_chunks + chunk) * 32 + (row & 31);
}
