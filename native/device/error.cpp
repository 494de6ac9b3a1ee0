// Names and formatting for errors.
#include "device/error.hpp"

#include <array>
#include <cstdio>

namespace wavetile {

const char* name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::out_of_memory:
      return "OUT_OF_MEMORY";
    case ErrorCode::device_lost:
      return "DEVICE_LOST";
    case ErrorCode::no_device:
      return "NO_DEVICE";
    case ErrorCode::unsupported:
      return "UNSUPPORTED";
    case ErrorCode::invalid_file:
      return "INVALID_FILE";
    case ErrorCode::disposed:
      return "DISPOSED";
  }
  return "UNKNOWN";
}

std::string format_bytes(uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  char text[48];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

}  // namespace wavetile
