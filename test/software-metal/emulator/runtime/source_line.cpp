// From an address in a kernel library to file and line, by binutils' addr2line: a process for each place of a problem.
#include <dlfcn.h>
#include <link.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "checker.hpp"

namespace software_metal {
namespace {

bool is_kernel_source(const char* line) {
  return *line && *line != '?' && !strstr(line, "/metal_library/") && !strstr(line, "/usr/");
}

std::string ask_addr2line(const char* library, size_t offset) {
  char command[512], line[400];
  snprintf(command, sizeof command, "addr2line -i -e '%s' 0x%zx 2>/dev/null", library, offset);
  FILE* output = popen(command, "r");
  if (!output) return "";
  std::string found;
  while (found.empty() && fgets(line, sizeof line, output)) {
    line[strcspn(line, "\n")] = 0;
    if (!is_kernel_source(line)) continue;
    const char* slash = strrchr(line, '/');
    found = slash ? slash + 1 : line;
  }
  pclose(output);
  return found;
}

}  // namespace

const char* source_line(void* place) {
  static std::map<void*, std::string> known;
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  auto [entry, is_new] = known.try_emplace(place);
  std::string& line = entry->second;
  if (!is_new) return line.c_str();
  Dl_info info;
  link_map* map = nullptr;
  if (dladdr1(place, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) && info.dli_fname)
    line = ask_addr2line(info.dli_fname, reinterpret_cast<size_t>(place) - map->l_addr - 1);
  if (line.empty()) {
    char address[32];
    snprintf(address, sizeof address, "%p", place);
    line = address;
  }
  return line.c_str();
}

}  // namespace software_metal
