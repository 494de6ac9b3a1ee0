// Runs the threads of a threadgroup in step.
#pragma once
#include <cstdint>

namespace software_metal {

struct Context;

void run_threadgroup(Context& c, uint32_t index, bool is_reversed);
/** Ends the current thread at once. */
[[noreturn]] void end_thread(Context& c);

}  // namespace software_metal
