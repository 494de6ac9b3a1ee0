// Files through the standard library, where there is no POSIX.
#ifdef _WIN32
#include <filesystem>
#include <fstream>

#include "device/error.hpp"
#include "io/file.hpp"

namespace wavetile::io {
namespace {

std::filesystem::path path_of(const std::string& utf8) {
  return std::filesystem::path(reinterpret_cast<const char8_t*>(utf8.c_str()));
}

class PortableFile final : public File {
 public:
  using File::File;

  // A stream for each read: threads share no position.
  void read_into(std::byte* to, uint64_t offset, uint64_t bytes) override {
    std::ifstream stream(path_of(path), std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    stream.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (!stream) throw_invalid_file(path, offset, "cannot read " + std::to_string(bytes) + " bytes");
  }

  uint64_t read(std::byte* room, uint64_t offset, uint64_t bytes) override {
    read_into(room, offset, bytes);
    return 0;
  }

  static std::shared_ptr<File> make(const std::string& path, uint64_t bytes) {
    return std::shared_ptr<File>(new PortableFile(path, bytes));
  }
};

}  // namespace

std::shared_ptr<File> File::open(const std::string& path) {
  std::error_code error;
  const uint64_t bytes = std::filesystem::file_size(path_of(path), error);
  if (error) throw Error(ErrorCode::invalid_file, path + ": " + error.message());
  return PortableFile::make(path, bytes);
}

uint64_t File::room_bytes(uint64_t bytes) { return bytes; }

}  // namespace wavetile::io
#endif
