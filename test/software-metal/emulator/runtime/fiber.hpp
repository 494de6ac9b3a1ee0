// Fibers: a stack for each thread of a threadgroup, and the switch between them.
#pragma once
#include <cstdint>

extern "C" void software_metal_switch(void** save_stack_pointer, void* load_stack_pointer);

namespace software_metal {

struct Context;

uint8_t* take_stack(Context& c);
/** Stack pointer from which `software_metal_switch` enters `main`. */
void* prepare_stack(uint8_t* stack, void (*main)());

}  // namespace software_metal
