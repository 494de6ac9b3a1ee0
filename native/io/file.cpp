// What files have in common on every system.
#include "io/file.hpp"

#include "device/error.hpp"

namespace wavetile::io {

void throw_invalid_file(const std::string& path, uint64_t offset, const std::string& what) {
  throw Error(ErrorCode::invalid_file, path + ": byte " + std::to_string(offset) + ": " + what);
}

}  // namespace wavetile::io
