// Checks what a kernel needs against the device, and compiles it. A kernel is a library of its own.
#include "metal/pipeline.hpp"

#include <dispatch/dispatch.h>

#include "metal/sources.hpp"

namespace wavetile::metal {
namespace {

constexpr uint32_t kMostParamBytes = 4096;  // of setBytes

void require_limit(const std::string& kernel, const char* what, uint64_t needed, uint64_t limit) {
  if (needed <= limit) return;
  throw Error(ErrorCode::unsupported, "kernel " + kernel + " needs " + std::to_string(needed) + " " + what +
                                          ", the device has " + std::to_string(limit));
}

void require_device(const std::string& kernel, const Pipeline& pipeline, uint64_t threads, const DeviceInfo& info) {
  require_limit(kernel, "threads in a threadgroup", threads, pipeline->maxTotalThreadsPerThreadgroup());
  require_limit(kernel, "bytes of threadgroup memory", pipeline->staticThreadgroupMemoryLength(),
                info.max_shared_bytes);
  if (pipeline->threadExecutionWidth() == info.subgroup_size) return;
  throw Error(ErrorCode::unsupported, "kernel " + kernel + " needs SIMD-groups of " +
                                          std::to_string(info.subgroup_size) + " threads, the device has them of " +
                                          std::to_string(pipeline->threadExecutionWidth()));
}

Library load(MTL::Device& device, std::span<const std::byte> bytes) {
  // A destructor of null copies the bytes.
  const dispatch_data_t data =
      dispatch_data_create(bytes.data(), bytes.size(), nullptr, DISPATCH_DATA_DESTRUCTOR_DEFAULT);
  NS::Error* error = nullptr;
  auto library = NS::TransferPtr(device.newLibrary(data, &error));
  dispatch_release(data);
  if (!library) throw Error(ErrorCode::unsupported, "a kernel of this build does not load: " + text_of(error));
  return library;
}

// Without fast math: kernels look for NaN and infinity. In the latest language that they use where the system has it.
NS::SharedPtr<MTL::CompileOptions> compile_options() {
  auto options = NS::TransferPtr(MTL::CompileOptions::alloc()->init());
  if (is_macos(15)) {
    options->setMathMode(MTL::MathModeSafe);
    options->setLanguageVersion(MTL::LanguageVersion3_2);
  } else {
    options->setFastMathEnabled(false);
    options->setLanguageVersion(MTL::LanguageVersion3_1);
  }
  return options;
}

Library compile(MTL::Device& device, const std::string& file) {
  const std::string source(source_of(file));
  if (source.empty()) throw Error(ErrorCode::unsupported, "kernel " + file + " is not in this build for Metal");
  NS::Error* error = nullptr;
  auto library = NS::TransferPtr(device.newLibrary(string_of(source), compile_options().get(), &error));
  if (!library) throw Error(ErrorCode::unsupported, "kernel " + file + " does not compile: " + text_of(error));
  return library;
}

}  // namespace

Pipeline Pipelines::get(const Kernel& kernel, const std::vector<uint32_t>& constants) {
  return *pipelines_.get({&kernel, constants}, [&] { return std::make_shared<Pipeline>(make(kernel, constants)); });
}

Pipeline Pipelines::make(const Kernel& kernel, const std::vector<uint32_t>& constants) {
  const ScopedPool pool;
  const std::string name(kernel.name);
  require_limit(name, "bytes of params", kernel.params_bytes, kMostParamBytes);
  const auto values = NS::TransferPtr(MTL::FunctionConstantValues::alloc()->init());
  for (size_t i = 0; i < constants.size(); ++i) {
    values->setConstantValue(&constants[i], MTL::DataTypeUInt, kernel.constants[i].id);
  }
  Pipeline pipeline = make(name, name, constants, values.get());
  const uint64_t threads = uint64_t{kernel.workgroup[0]} * kernel.workgroup[1] * kernel.workgroup[2];
  require_device(name, pipeline, threads, context_->physical.info);
  return pipeline;
}

Pipeline Pipelines::make(const std::string& file, const std::string& name, const std::vector<uint32_t>& constants,
                         const MTL::FunctionConstantValues* values) {
  const Library library = library_of(file);
  NS::Error* error = nullptr;
  const auto function = NS::TransferPtr(library->newFunction(string_of(name), values, &error));
  if (!function) throw Error(ErrorCode::unsupported, "kernel " + name + " does not compile: " + text_of(error));
  return archive_.make_pipeline(function.get(), name, constants);
}

Library Pipelines::library_of(const std::string& file) {
  return *libraries_.get(file, [&] {
    // A metallib is of the oldest MSL: what a text has for a later one counts where the system has that.
    const bool has_later = is_macos(15) && source_of(file).find("__METAL_VERSION__") != std::string_view::npos;
    const auto bytes = has_later ? std::span<const std::byte>() : metallib_of(file);
    MTL::Device& device = *context_->mtl_device;
    return std::make_shared<Library>(bytes.empty() ? compile(device, file) : load(device, bytes));
  });
}

const Transfers& Pipelines::transfers() {
  // Kept by the map, like every pipeline.
  return *transfers_.get(0, [&] {
    const ScopedPool pool;
    const auto none = NS::TransferPtr(MTL::FunctionConstantValues::alloc()->init());
    const auto transfer = [&](const char* name) { return make("transfer", name, {}, none.get()); };
    return std::make_shared<Transfers>(
        Transfers{transfer("copy_words"), transfer("copy_bytes"), transfer("fill_words")});
  });
}

}  // namespace wavetile::metal
