// What compiled kernels call: clang's instrumentation for -fsanitize=thread and -fsanitize=undefined, which ends here
// and not in the sanitizers' own runtimes, and a conversion that older libgcc lacks.
#include <cstring>

#include "checker.hpp"
#include "context.hpp"

using software_metal::AccessKind;
using software_metal::check_access;

namespace software_metal {

void note_atomic(const volatile void* address, size_t bytes) {
  check_access(address, bytes, AccessKind::Atomic, __builtin_return_address(0));
}

}  // namespace software_metal

#define CALLER __builtin_return_address(0)
#define HOOKS(bytes)                                                                                 \
  void __tsan_read##bytes(void* p) { check_access(p, bytes, AccessKind::Read, CALLER); }             \
  void __tsan_write##bytes(void* p) { check_access(p, bytes, AccessKind::Write, CALLER); }           \
  void __tsan_unaligned_read##bytes(void* p) { check_access(p, bytes, AccessKind::Read, CALLER); }   \
  void __tsan_unaligned_write##bytes(void* p) { check_access(p, bytes, AccessKind::Write, CALLER); } \
  void __tsan_read_write##bytes(void* p) {                                                           \
    check_access(p, bytes, AccessKind::Read, CALLER);                                                \
    check_access(p, bytes, AccessKind::Write, CALLER);                                               \
  }                                                                                                  \
  void __tsan_unaligned_read_write##bytes(void* p) {                                                 \
    check_access(p, bytes, AccessKind::Read, CALLER);                                                \
    check_access(p, bytes, AccessKind::Write, CALLER);                                               \
  }

extern "C" {

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}

void* __tsan_memcpy(void* to, const void* from, size_t bytes) {
  check_access(from, bytes, AccessKind::Read, CALLER);
  check_access(to, bytes, AccessKind::Write, CALLER);
  return memcpy(to, from, bytes);
}

void* __tsan_memmove(void* to, const void* from, size_t bytes) {
  check_access(from, bytes, AccessKind::Read, CALLER);
  check_access(to, bytes, AccessKind::Write, CALLER);
  return memmove(to, from, bytes);
}

void* __tsan_memset(void* to, int value, size_t bytes) {
  check_access(to, bytes, AccessKind::Write, CALLER);
  return memset(to, value, bytes);
}

/** The first argument of each UBSan handler starts so. */
struct UndefinedPlace {
  const char* file;
  uint32_t line, column;
};

static void report_undefined(const char* what, const UndefinedPlace* place) {
  const char* slash = strrchr(place->file, '/');
  software_metal::report("undefined", "%s at %s:%u:%u", what, slash ? slash + 1 : place->file, place->line,
                         place->column);
}

void __ubsan_handle_out_of_bounds(UndefinedPlace* place, void*) {
  report_undefined("array index out of bounds", place);
}
void __ubsan_handle_shift_out_of_bounds(UndefinedPlace* place, void*, void*) {
  report_undefined("shift amount too large", place);
}
void __ubsan_handle_divrem_overflow(UndefinedPlace* place, void*, void*) {
  report_undefined("integer division by zero or overflow", place);
}
void __ubsan_handle_float_cast_overflow(UndefinedPlace* place, void*) {
  report_undefined("float to integer conversion out of range", place);
}

/** A __bf16 is returned where a _Float16 is; g++ 12 has only the latter. */
_Float16 __truncsfbf2(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
  const auto rounded = static_cast<uint16_t>(is_nan ? (bits >> 16) | 64 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  _Float16 result;
  memcpy(&result, &rounded, sizeof result);
  return result;
}

_Float16 __truncdfbf2(double value) { return __truncsfbf2(static_cast<float>(value)); }

}  // extern "C"
