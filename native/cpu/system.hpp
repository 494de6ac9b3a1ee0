// What the operating system says about this machine: processor, threads and memory, within its container's limits.
#pragma once
#include <cstdint>
#include <string>

namespace wavetile::cpu {

std::string processor_name();
std::string processor_vendor();  // empty where unknown
uint32_t usable_threads();       // at least 1

// Zeroed pages straight from the system, huge ones where it has them; nullptr when it has no more.
void* map_pages(uint64_t bytes);
void unmap_pages(void* pages, uint64_t bytes);

uint64_t memory_bytes();
// Linux promises more memory than there is: this is what can really be touched, less the `allocated_bytes` that this
// process was promised and may not have touched yet.
uint64_t free_memory_bytes(uint64_t allocated_bytes);

}  // namespace wavetile::cpu
