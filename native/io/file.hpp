// A file that several threads read by position.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace wavetile::io {

class File {
 public:
  static std::shared_ptr<File> open(const std::string& path);  // throws Error(invalid_file)
  // Memory that reading so many bytes takes: what lies around them may be read too.
  static uint64_t room_bytes(uint64_t bytes);

  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Reads bytes [offset, offset + bytes) into `room`, which has room_bytes(bytes). Returns where in it they begin.
  virtual uint64_t read(std::byte* room, uint64_t offset, uint64_t bytes) = 0;
  // The same bytes and no others, to where they stay.
  virtual void read_into(std::byte* to, uint64_t offset, uint64_t bytes) = 0;

  const std::string path;
  const uint64_t bytes;  // when it was opened

 protected:
  File(std::string path, uint64_t bytes) : path(std::move(path)), bytes(bytes) {}
};

[[noreturn]] void throw_invalid_file(const std::string& path, uint64_t offset, const std::string& what);

}  // namespace wavetile::io
