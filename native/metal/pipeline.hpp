// Compute pipelines: one for each kernel and set of constants, compiled once per device.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device/kernel.hpp"
#include "device/once_map.hpp"
#include "metal/archive.hpp"

namespace wavetile::metal {

// The backend's own kernels in shaders-metal/common/transfer.metal, and how they share the work.
inline constexpr uint32_t kTransferThreads = 256, kTransferItems = 16;
struct Transfers {
  Pipeline copy_words, copy_bytes, fill_words;
};

using Library = NS::SharedPtr<MTL::Library>;

class Pipelines {
 public:
  Pipelines(std::shared_ptr<Context> context, const std::string& cache_folder)
      : context_(context), archive_(std::move(context), cache_folder) {}

  // Compiles when it is the first to ask; others who ask meanwhile wait for it.
  Pipeline get(const Kernel& kernel, const std::vector<uint32_t>& constants);
  const Transfers& transfers();

 private:
  using Key = std::pair<const Kernel*, std::vector<uint32_t>>;
  Pipeline make(const Kernel& kernel, const std::vector<uint32_t>& constants);
  Pipeline make(const std::string& file, const std::string& name, const std::vector<uint32_t>& constants,
                const MTL::FunctionConstantValues* values);
  Library library_of(const std::string& file);

  const std::shared_ptr<Context> context_;
  const Archive archive_;
  OnceMap<std::string, Library> libraries_;  // a file has several pipelines
  OnceMap<Key, Pipeline> pipelines_;
  OnceMap<int, Transfers> transfers_;
};

}  // namespace wavetile::metal
