// A buffer ends at a page that cannot be touched: overruns on the CPU's side fault.
#include "resources.hpp"

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace software_metal {
namespace {

constexpr size_t kPage = 4096, kAlignment = 16;
constexpr size_t kAlwaysPoisoned = 1 << 20;
std::atomic<size_t> total_bytes{0};

size_t rounded(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

size_t allocated_bytes() { return total_bytes; }

Buffer::Buffer(size_t bytes, MTL::ResourceOptions options) : bytes(bytes), options(options) {
  void* mapping =
      mmap(nullptr, mapped_bytes() + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) misuse("no memory for a buffer of %zu bytes", bytes);
  mapping_ = static_cast<uint8_t*>(mapping);
  mprotect(mapping_ + kPage, mapped_bytes(), PROT_READ | PROT_WRITE);
  data = mapping_ + kPage + mapped_bytes() - rounded(bytes, kAlignment);
  total_bytes += bytes;
  // New buffers are not zero: a large one is poisoned only where asked for, for the time that it takes.
  if (bytes <= kAlwaysPoisoned || getenv("SOFTWARE_METAL_POISON")) memset(data, 0xff, bytes);
}

Buffer::~Buffer() {
  munmap(mapping_, mapped_bytes() + 2 * kPage);
  total_bytes -= bytes;
}

size_t Buffer::mapped_bytes() const { return rounded(bytes, kPage); }

uint64_t Event::value() {
  std::lock_guard lock(mutex_);
  return value_;
}

void Event::signal(uint64_t value) {
  {
    std::lock_guard lock(mutex_);
    value_ = value;
  }
  changed_.notify_all();
}

bool Event::wait(uint64_t value, uint64_t milliseconds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(milliseconds), [&] { return value_ >= value; });
}

}  // namespace software_metal

SOFTWARE_METAL_LABEL(Resource, Buffer)
SOFTWARE_METAL_LABEL(Event, Event)

namespace MTL {

using software_metal::as;

StorageMode Resource::storageMode() const {
  return static_cast<StorageMode>(as<software_metal::Buffer>(this)->options >> 4 & 3);
}
ResourceOptions Resource::resourceOptions() const { return as<software_metal::Buffer>(this)->options; }
NS::UInteger Allocation::allocatedSize() const { return as<software_metal::Buffer>(this)->mapped_bytes(); }

NS::UInteger Buffer::length() const { return as<software_metal::Buffer>(this)->bytes; }
void* Buffer::contents() {
  return storageMode() == StorageModePrivate ? nullptr : as<software_metal::Buffer>(this)->data;
}
void Buffer::didModifyRange(NS::Range) {
  if (storageMode() != StorageModeManaged) software_metal::misuse("didModifyRange on a buffer that is not managed");
}
uint64_t Buffer::gpuAddress() const { return reinterpret_cast<uint64_t>(as<software_metal::Buffer>(this)->data); }

uint64_t SharedEvent::signaledValue() const { return as<software_metal::Event>(this)->value(); }
void SharedEvent::setSignaledValue(uint64_t value) { as<software_metal::Event>(this)->signal(value); }
bool SharedEvent::waitUntilSignaledValue(uint64_t value, uint64_t milliseconds) {
  return as<software_metal::Event>(this)->wait(value, milliseconds);
}

Device* Fence::device() const { return software_metal::the_device(); }

}  // namespace MTL
