// The same of Windows.
#ifdef _WIN32
#include <windows.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "cpu/system.hpp"

namespace wavetile::cpu {
namespace {

MEMORYSTATUSEX memory_status() {
  MEMORYSTATUSEX status{};
  status.dwLength = sizeof status;
  GlobalMemoryStatusEx(&status);
  return status;
}

}  // namespace

std::string processor_name() {
  const char* name = std::getenv("PROCESSOR_IDENTIFIER");
  return name ? name : "CPU";
}

std::string processor_vendor() { return {}; }

uint32_t usable_threads() { return std::max(1u, std::thread::hardware_concurrency()); }

void* map_pages(uint64_t bytes) { return VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE); }

void unmap_pages(void* pages, uint64_t) { VirtualFree(pages, 0, MEM_RELEASE); }

uint64_t memory_bytes() { return memory_status().ullTotalPhys; }

// Committed memory is memory that there is: nothing was promised beyond it.
uint64_t free_memory_bytes(uint64_t) {
  const MEMORYSTATUSEX status = memory_status();
  return std::min<uint64_t>(status.ullAvailPhys, status.ullAvailPageFile);
}

}  // namespace wavetile::cpu
#endif
