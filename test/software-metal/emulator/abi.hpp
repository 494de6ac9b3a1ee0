// What kernel libraries, the fiber runtime and the host share: the tables that a library exports, and the runtime's
// calls.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace software_metal {

constexpr int kMaxBindings = 31;

/** What a kernel's parameter is bound to; the names are those of MSL's attributes. */
enum class ArgumentKind : uint8_t {
  buffer,
  threadgroup_memory,
  thread_position_in_grid,
  thread_position_in_threadgroup,
  threadgroup_position_in_grid,
  threads_per_threadgroup,
  threads_per_grid,
  threadgroups_per_grid,
  thread_index_in_threadgroup,
  thread_index_in_simdgroup,
  simdgroup_index_in_threadgroup,
  simdgroups_per_threadgroup,
  threads_per_simdgroup,
  dispatch_threads_per_threadgroup,
};

struct Argument {
  ArgumentKind kind;
  uint8_t index;
  bool is_written;  // through a pointer or reference that is not const
};

struct FunctionConstant {
  const char* name;
  int index;
  int type;  // an MTL::DataType
  unsigned bytes;
  void* value;
  bool* is_defined;
};

struct Kernel {
  const char* name;
  void (*call)(const Argument*);
  const Argument* arguments;
  int argument_count;
  int max_threads;                    // 0: not stated
  const char* const* used_constants;  // names, the last is null: a pipeline needs their values
  unsigned threadgroup_bytes;         // of its threadgroup variables; 0: not known
};

/** Exported by each kernel library under the name `software_metal_module`. */
struct Module {
  const Kernel* kernels;
  int kernel_count;
  const FunctionConstant* constants;
  int constant_count;
  void (*derive_constants)();
  bool is_checked;
};

/** Where in the source a thread waits. */
struct Site {
  unsigned line, column;
};

/** The threads that meet in one SIMD-group operation: bit i of `active` is lane i. */
struct Group {
  uint32_t active;
  const void* in[32];
  void* out[32];
};
using Operation = void (*)(Group&);

// Element (row, column) and (row, column + 1) of an 8 x 8 matrix are in this lane, as seen on Apple's GPUs.
constexpr int matrix_row(int lane) { return (lane >> 2 & 4) + (lane >> 1 & 3); }
constexpr int matrix_column(int lane) { return (lane >> 2 & 2) * 2 + (lane & 1) * 2; }

/** Waits for the other threads of the SIMD-group; with `needs_all` an inactive lane is an error. */
void meet(Operation operation, const void* in, void* out, Site site, bool needs_all);
void wait_threadgroup(uint32_t memory, Site site);
void wait_simdgroup(uint32_t memory, Site site);
uint32_t lane_index();
void* bound_pointer(Argument argument);
const unsigned* position(ArgumentKind kind);
/** A threadgroup variable, the same for all threads; `key` is an address of its own for each template instance. */
void* threadgroup_variable(const void* key, size_t bytes, size_t alignment);
void note_atomic(const volatile void* address, size_t bytes);
void report(const char* kind, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace software_metal
