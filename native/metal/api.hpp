// metal-cpp as this room uses it: an autorelease pool with a scope, text, the system's version, what an NS::Error says.
#pragma once
#include <Metal/Metal.hpp>
#include <exception>
#include <string>
#include <string_view>

#include "device/error.hpp"

namespace wavetile::metal {

// Around everything that calls Metal: on our threads nobody else drains what it autoreleases.
class ScopedPool {
 public:
  ScopedPool() : pool_(NS::AutoreleasePool::alloc()->init()) {}
  ~ScopedPool() { pool_->release(); }
  ScopedPool(const ScopedPool&) = delete;
  ScopedPool& operator=(const ScopedPool&) = delete;

 private:
  NS::AutoreleasePool* pool_;
};

// Owned by the scope's pool.
inline NS::String* string_of(const std::string& text) {
  return NS::String::string(text.c_str(), NS::UTF8StringEncoding);
}
inline std::string text_of(const NS::String* string) { return string ? string->utf8String() : ""; }

std::string text_of(const NS::Error* error);

// Whether this runs on that version or a later one. Needs a pool.
inline bool is_macos(NS::Integer major, NS::Integer minor = 0) {
  return NS::ProcessInfo::processInfo()->isOperatingSystemAtLeastVersion({major, minor, 0});
}

// The error of a command buffer that did not end as it should; `lost` when the device is gone for good.
struct RunFailure {
  std::exception_ptr error;
  bool lost = false;
};
RunFailure failure_of(const MTL::CommandBuffer& buffer, const std::string& device_name);

Error lost_error(const std::string& device_name, const std::string& reason);

}  // namespace wavetile::metal
