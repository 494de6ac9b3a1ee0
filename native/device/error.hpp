// What can go wrong outside the caller's control. `binding/` turns it into a ComputeError with the same code.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace wavetile {

enum class ErrorCode { out_of_memory, device_lost, no_device, unsupported, invalid_file, disposed };

const char* name_of(ErrorCode code);  // "OUT_OF_MEMORY", …

std::string format_bytes(uint64_t bytes);  // "1.5 GiB"

struct Error : std::runtime_error {
  Error(ErrorCode code, const std::string& message, std::string suggestion = {})
      : std::runtime_error(message), code(code), suggestion(std::move(suggestion)) {}

  ErrorCode code;
  std::string suggestion;  // what the user can do, or empty
};

}  // namespace wavetile
