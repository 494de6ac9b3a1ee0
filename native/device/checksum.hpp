// FNV-1a: tells files apart and finds damaged ones.
#pragma once
#include <cstdint>
#include <string_view>

namespace wavetile {

struct Checksum {
  uint64_t value = 0xcbf29ce484222325;

  void add(std::string_view bytes) {
    for (const char byte : bytes) value = (value ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  }
};

}  // namespace wavetile
