// Checks every memory access of kernels that were built for it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace software_metal {

struct Dispatch;

enum class AccessKind : uint8_t { Read, Write, Atomic };

/** Reports races, accesses out of bounds and reads of what nobody wrote. `place` is an address in the kernel's code. */
void check_access(const volatile void* address, size_t bytes, AccessKind kind, void* place);
/** Finds the constant tables of the dispatch's library, which kernels may read. */
void prepare_checker(const Dispatch& dispatch);

/** File and line of the kernel's source for an address in its code. */
const char* source_line(void* place);

}  // namespace software_metal
