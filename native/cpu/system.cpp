// /proc and control groups on Linux, sysctl on macOS.
#ifndef _WIN32
#include "cpu/system.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace wavetile::cpu {
namespace {

#if defined(__linux__)

// The text after "key" and a colon or blanks in a file of such lines.
std::string line_value(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const size_t begin = line.find_first_not_of(" \t:", key.size());
    if (begin != std::string::npos && begin > key.size()) return line.substr(begin);
  }
  return {};
}

std::optional<uint64_t> number(const std::string& text) {
  uint64_t value = 0;
  return std::istringstream(text) >> value ? std::optional(value) : std::nullopt;
}

std::optional<uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  return std::getline(file, text) ? number(text) : std::nullopt;
}

uint64_t kibibytes(const char* key) { return number(line_value("/proc/meminfo", key)).value_or(0) * 1024; }

struct GroupMemory {
  uint64_t limit, used;
};

// A container sees its own group as the root, so no path has to be looked up. Page cache can be reclaimed.
std::optional<GroupMemory> group_memory() {
  const std::string v2 = "/sys/fs/cgroup/", v1 = "/sys/fs/cgroup/memory/";
  auto limit = number_in(v2 + "memory.max"), used = number_in(v2 + "memory.current");
  std::string cache = line_value(v2 + "memory.stat", "inactive_file");
  if (!limit || !used) {
    limit = number_in(v1 + "memory.limit_in_bytes"), used = number_in(v1 + "memory.usage_in_bytes");
    cache = line_value(v1 + "memory.stat", "total_inactive_file");
  }
  if (!limit || !used) return std::nullopt;
  return GroupMemory{*limit, *used - std::min(*used, number(cache).value_or(0))};
}

uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Threads that the container's quota pays for.
uint32_t quota_threads() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (!(file >> quota >> period) || period <= 0) return UINT32_MAX;
  return std::max(1u, static_cast<uint32_t>(quota / period + 0.5));
}

#endif

#if defined(__APPLE__)
std::string system_text(const char* name) {
  char text[256] = {};
  size_t bytes = sizeof text - 1;
  return sysctlbyname(name, text, &bytes, nullptr, 0) == 0 ? text : "";
}
#endif

}  // namespace

std::string processor_name() {
  std::string name;
#if defined(__linux__)
  name = line_value("/proc/cpuinfo", "model name");
#elif defined(__APPLE__)
  name = system_text("machdep.cpu.brand_string");
#endif
  return name.empty() ? "CPU" : name;
}

std::string processor_vendor() {
#if defined(__linux__)
  return line_value("/proc/cpuinfo", "vendor_id");
#elif defined(__APPLE__)
  return "Apple";
#else
  return {};
#endif
}

uint32_t usable_threads() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    return std::max(1u, std::min(static_cast<uint32_t>(CPU_COUNT(&set)), quota_threads()));
  }
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

void* map_pages(uint64_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
#ifdef MADV_HUGEPAGE
  madvise(pages, bytes, MADV_HUGEPAGE);
#endif
  return pages;
}

void unmap_pages(void* pages, uint64_t bytes) { munmap(pages, bytes); }

uint64_t memory_bytes() {
  const uint64_t total = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
#if defined(__linux__)
  if (const auto group = group_memory()) return std::min(total, group->limit);
#endif
  return total;
}

uint64_t free_memory_bytes(uint64_t allocated_bytes) {
#if defined(__linux__)
  uint64_t free = kibibytes("MemAvailable");
  if (const auto group = group_memory()) free = std::min(free, group->limit - std::min(group->limit, group->used));
  const uint64_t untouched = allocated_bytes - std::min(allocated_bytes, resident_bytes());
  return free - std::min(free, untouched);
#else
  const uint64_t total = memory_bytes();
  return total - std::min(total, allocated_bytes);
#endif
}

}  // namespace wavetile::cpu
#endif
