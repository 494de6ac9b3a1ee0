// Kernels as Metal's libraries, one for each: compiled ahead, or from its text when it is first needed.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "device/once_map.hpp"
#include "metal/context.hpp"

namespace wavetile::metal {

// Generated at build: the text of a kernel's file with everything that it includes; empty when there is none.
std::string_view source_of(std::string_view kernel);

// A kernel's file compiled ahead; empty where the build had no Metal compiler.
std::span<const std::byte> metallib_of(std::string_view kernel);

class Libraries {
 public:
  explicit Libraries(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  // Throws Error(unsupported) with what the compiler said.
  NS::SharedPtr<MTL::Library> get(const std::string& file);

 private:
  using Held = NS::SharedPtr<MTL::Library>;
  Held load(std::span<const std::byte> bytes) const;
  Held compile(const std::string& file) const;

  const std::shared_ptr<Context> context_;
  OnceMap<std::string, Held> libraries_;
};

}  // namespace wavetile::metal
