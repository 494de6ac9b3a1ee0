// The one device, and what it makes.
#include <cstdlib>
#include <cstring>

#include "commands.hpp"
#include "library.hpp"
#include "resources.hpp"

namespace software_metal {
namespace {

constexpr NS::UInteger kMaxBufferBytes = 4ull << 30;
constexpr int kMaxCommandBuffers = 64;

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* value = getenv(name);
  return value ? strtoull(value, nullptr, 10) : otherwise;
}

/** A virtual machine's GPU where SOFTWARE_METAL_NAME says so. */
const char* device_name() {
  const char* name = getenv("SOFTWARE_METAL_NAME");
  return name ? name : "Software Metal";
}

struct Device : MTL::Device {};

}  // namespace

bool is_paravirtual() { return strstr(device_name(), "Paravirtual"); }

MTL::Device* the_device() {
  static Device* device = [] {
    auto* made = new Device;
    note_permanent();
    return made;
  }();
  return device;
}

}  // namespace software_metal

namespace MTL {

using software_metal::as;
using software_metal::text_of;

Device* CreateSystemDefaultDevice() { return software_metal::the_device()->retain(); }
NS::Array* CopyAllDevices() {
  return software_metal::make_array({NS::RetainPtr<NS::Object>(software_metal::the_device())});
}

NS::String* Device::name() const { return software_metal::make_string(software_metal::device_name()); }
uint64_t Device::registryID() const { return 1; }
Size Device::maxThreadsPerThreadgroup() const { return {1024, 1024, 1024}; }
bool Device::hasUnifiedMemory() const { return true; }
uint64_t Device::recommendedMaxWorkingSetSize() const {
  return software_metal::setting("SOFTWARE_METAL_MEMORY", 8ull << 30);
}
NS::UInteger Device::currentAllocatedSize() const { return software_metal::allocated_bytes(); }
NS::UInteger Device::maxThreadgroupMemoryLength() const { return 32768; }
NS::UInteger Device::maxBufferLength() const { return software_metal::kMaxBufferBytes; }
bool Device::supportsFamily(GPUFamily family) {
  if (software_metal::is_paravirtual()) return family == GPUFamilyMac2;
  return family <= GPUFamilyApple9 || family == GPUFamilyMetal3 || family == GPUFamilyMac2;
}

CommandQueue* Device::newCommandQueue() { return newCommandQueue(software_metal::kMaxCommandBuffers); }
CommandQueue* Device::newCommandQueue(NS::UInteger maxCommandBufferCount) {
  return new software_metal::Queue(static_cast<int>(maxCommandBufferCount));
}

Buffer* Device::newBuffer(NS::UInteger length, ResourceOptions options) {
  if (!length || length > software_metal::kMaxBufferBytes) return nullptr;
  const uint64_t most_bytes = software_metal::setting("SOFTWARE_METAL_MOST_BYTES", UINT64_MAX);
  if (software_metal::allocated_bytes() + length > most_bytes) return nullptr;
  return new software_metal::Buffer(length, options);
}
Buffer* Device::newBuffer(const void* pointer, NS::UInteger length, ResourceOptions options) {
  Buffer* buffer = newBuffer(length, options);
  if (buffer) memcpy(as<software_metal::Buffer>(buffer)->data, pointer, length);
  return buffer;
}

Library* Device::newLibrary(const NS::String* filepath, NS::Error** error) {
  return software_metal::open_library(text_of(filepath), error);
}
Library* Device::newLibrary(const NS::URL* url, NS::Error** error) {
  return software_metal::open_library(url->fileSystemRepresentation(), error);
}
Library* Device::newLibrary(const dispatch_data_t data, NS::Error** error) {
  return software_metal::open_library_bytes(software_metal::bytes_of(data), error);
}
Library* Device::newLibrary(const NS::String* source, const CompileOptions* options, NS::Error** error) {
  return software_metal::compile_library(text_of(source), options, error);
}

Fence* Device::newFence() { return new software_metal::Fence; }
Event* Device::newEvent() { return new software_metal::Event; }
SharedEvent* Device::newSharedEvent() { return new software_metal::Event; }

}  // namespace MTL
