// Loads, or compiles text: without fast math, because kernels look for NaN and infinity.
#include "metal/library.hpp"

#include <dispatch/dispatch.h>

namespace wavetile::metal {

NS::SharedPtr<MTL::Library> Libraries::get(const std::string& file) {
  return *libraries_.get(file, [&] {
    const auto bytes = metallib_of(file);
    return std::make_shared<Held>(bytes.empty() ? compile(file) : load(bytes));
  });
}

Libraries::Held Libraries::load(std::span<const std::byte> bytes) const {
  // A destructor of null copies the bytes.
  const dispatch_data_t data =
      dispatch_data_create(bytes.data(), bytes.size(), nullptr, DISPATCH_DATA_DESTRUCTOR_DEFAULT);
  NS::Error* error = nullptr;
  auto library = NS::TransferPtr(context_->mtl_device->newLibrary(data, &error));
  dispatch_release(data);
  if (!library) throw Error(ErrorCode::unsupported, "a kernel of this build does not load: " + text_of(error));
  return library;
}

Libraries::Held Libraries::compile(const std::string& file) const {
  const std::string_view source = source_of(file);
  if (source.empty()) {
    throw Error(ErrorCode::unsupported, "kernel " + file + " is not in this build for Metal");
  }
  const auto options = NS::TransferPtr(MTL::CompileOptions::alloc()->init());
  options->setFastMathEnabled(false);
  options->setLanguageVersion(MTL::LanguageVersion3_1);
  NS::Error* error = nullptr;
  auto library =
      NS::TransferPtr(context_->mtl_device->newLibrary(string_of(std::string(source)), options.get(), &error));
  if (!library) throw Error(ErrorCode::unsupported, "kernel " + file + " does not compile: " + text_of(error));
  return library;
}

}  // namespace wavetile::metal
