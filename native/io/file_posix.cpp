// Files through POSIX. What is not in the page cache is read around it, straight into the memory given, where the file
// system can: the disk then works at its own speed, and a model does not push everything else out of the cache.
#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "device/error.hpp"
#include "io/file.hpp"

namespace wavetile::io {
namespace {

constexpr uint64_t kPage = 4096;  // what direct reads are aligned to

uint64_t round_up(uint64_t value) { return (value + kPage - 1) / kPage * kPage; }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  operator int() const { return number_; }

 private:
  int number_;
};

Descriptor open_direct(const std::string& path) {
#ifdef O_DIRECT
  return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
#else
  (void)path;
  return Descriptor(-1);
#endif
}

ssize_t read_at(int descriptor, std::byte* to, uint64_t bytes, uint64_t offset) {
  ssize_t count;
  do {
    count = ::pread(descriptor, to, bytes, static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  return count;
}

// Memory for direct reads on behalf of memory that a driver has mapped: the kernel cannot hand that to the disk.
std::byte* own_memory(uint64_t bytes) {
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete(memory, std::align_val_t(kPage)); }
  };
  thread_local std::unique_ptr<std::byte, Free> memory;
  thread_local uint64_t present = 0;
  if (present < bytes) {
    present = 0;
    memory.reset(static_cast<std::byte*>(::operator new(bytes, std::align_val_t(kPage))));
    present = bytes;
  }
  return memory.get();
}

class PosixFile final : public File {
 public:
  PosixFile(const std::string& path, uint64_t bytes, Descriptor cached)
      : File(path, bytes), cached_(std::move(cached)), direct_(open_direct(path)) {
    if (direct_ < 0) way_ = Way::cached;
  }

  uint64_t read(std::byte* room, uint64_t offset, uint64_t bytes) override {
    const uint64_t head = offset % kPage;
    const uint64_t begin = round_up(reinterpret_cast<uintptr_t>(room)) - reinterpret_cast<uintptr_t>(room);
    std::byte* to = room + begin + head;
    if (way_ == Way::cached || is_cached(offset, bytes) || !read_direct(to, offset, bytes)) {
      read_cached(to, offset, bytes);
    }
    return begin + head;
  }

  void read_into(std::byte* to, uint64_t offset, uint64_t bytes) override { read_cached(to, offset, bytes); }

 private:
  enum class Way { direct, by_own_memory, cached };

  // Looks at both ends, so that a file that was just read or written is not fetched from the disk again.
  bool is_cached(uint64_t offset, uint64_t bytes) const {
#ifdef RWF_NOWAIT
    std::byte byte;
    const iovec one{&byte, 1};
    const auto present = [&](uint64_t at) {
      return ::preadv2(cached_, &one, 1, static_cast<off_t>(at), RWF_NOWAIT) == 1;
    };
    return present(offset) && present(offset + bytes - 1);
#else
    (void)offset, (void)bytes;
    return false;
#endif
  }

  // False: it cannot be done this way.
  bool read_direct(std::byte* to, uint64_t offset, uint64_t bytes) {
    const uint64_t head = offset % kPage;
    if (way_ == Way::direct && read_pages(to - head, offset - head, head + bytes)) return true;
    if (way_ != Way::by_own_memory) return false;
    std::byte* pages = own_memory(round_up(head + bytes));
    if (!read_pages(pages, offset - head, head + bytes)) return false;
    std::memcpy(to, pages + head, bytes);
    return true;
  }

  bool read_pages(std::byte* to, uint64_t offset, uint64_t bytes) {
    const uint64_t wanted = round_up(bytes);
    for (uint64_t done = 0; done < bytes;) {
      const ssize_t count = read_at(direct_, to + done, wanted - done, offset + done);
      if (count > 0) done += static_cast<uint64_t>(count);
      if (count < 0) {
        way_ = errno == EFAULT && way_ == Way::direct ? Way::by_own_memory : Way::cached;
        return false;
      }
      if (done < bytes && (count == 0 || done % kPage != 0)) return false;  // the cached read finds out what it is
    }
    return true;
  }

  void read_cached(std::byte* to, uint64_t offset, uint64_t bytes) const {
    for (uint64_t done = 0; done < bytes;) {
      const ssize_t count = read_at(cached_, to + done, bytes - done, offset + done);
      if (count < 0) throw_invalid_file(path, offset + done, std::string("cannot be read: ") + std::strerror(errno));
      if (count == 0) throw_invalid_file(path, offset + done, "the file became shorter while it was read");
      done += static_cast<uint64_t>(count);
    }
  }

  const Descriptor cached_, direct_;
  std::atomic<Way> way_ = Way::direct;
};

}  // namespace

std::shared_ptr<File> File::open(const std::string& path) {
  const auto fail = [&](const char* why) { throw Error(ErrorCode::invalid_file, path + ": " + why); };
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe is not waited for
  if (descriptor < 0) fail(std::strerror(errno));
  struct stat about {};
  if (::fstat(descriptor, &about) != 0) fail(std::strerror(errno));
  if (!S_ISREG(about.st_mode)) fail("it is not a file");
#ifdef POSIX_FADV_SEQUENTIAL
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
  return std::make_shared<PosixFile>(path, static_cast<uint64_t>(about.st_size), std::move(descriptor));
}

// Alignment of the memory, of the first byte and of the last.
uint64_t File::room_bytes(uint64_t bytes) { return bytes + 3 * kPage; }

}  // namespace wavetile::io
#endif
