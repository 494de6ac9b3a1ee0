// Checks what a kernel needs against the device, and compiles it.
#include "metal/pipeline.hpp"

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

NS::SharedPtr<MTL::Function> make_function(const NS::SharedPtr<MTL::Library>& library, const std::string& name,
                                           const NS::SharedPtr<MTL::FunctionConstantValues>& values) {
  NS::Error* error = nullptr;
  auto function = NS::TransferPtr(library->newFunction(string_of(name), values.get(), &error));
  if (!function) throw Error(ErrorCode::unsupported, "kernel " + name + " does not compile: " + text_of(error));
  return function;
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
  const auto function = make_function(libraries_.get(name), name, values);
  Pipeline pipeline = archive_.make_pipeline(function.get(), name);
  const uint64_t threads = uint64_t{kernel.workgroup[0]} * kernel.workgroup[1] * kernel.workgroup[2];
  require_device(name, pipeline, threads, context_->physical.info);
  return pipeline;
}

const Transfers& Pipelines::transfers() {
  // Kept by the map, like every pipeline.
  return *transfers_.get(0, [&] {
    const ScopedPool pool;
    const auto library = libraries_.get("transfer");
    const auto none = NS::TransferPtr(MTL::FunctionConstantValues::alloc()->init());
    const auto make = [&](const char* name) {
      return archive_.make_pipeline(make_function(library, name, none).get(), name);
    };
    return std::make_shared<Transfers>(Transfers{make("copy_words"), make("copy_bytes"), make("fill_words")});
  });
}

}  // namespace wavetile::metal
