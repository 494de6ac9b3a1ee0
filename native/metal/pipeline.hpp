// Compute pipelines: one for each kernel and set of constants, compiled once per device.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device/kernel.hpp"
#include "metal/archive.hpp"
#include "metal/library.hpp"

namespace wavetile::metal {

using Pipeline = NS::SharedPtr<MTL::ComputePipelineState>;

// The backend's own kernels in shaders-metal/common/transfer.metal, and how they share the work.
inline constexpr uint32_t kTransferThreads = 256, kTransferItems = 16;
struct Transfers {
  Pipeline copy_words, copy_bytes, fill_words;
};

class Pipelines {
 public:
  Pipelines(std::shared_ptr<Context> context, const std::string& cache_folder)
      : context_(context), libraries_(context), archive_(std::move(context), cache_folder) {}

  // Compiles when it is the first to ask; others who ask meanwhile wait for it.
  Pipeline get(const Kernel& kernel, const std::vector<uint32_t>& constants);
  const Transfers& transfers();
  void save_archive() { archive_.save(); }

 private:
  using Key = std::pair<const Kernel*, std::vector<uint32_t>>;
  Pipeline make(const Kernel& kernel, const std::vector<uint32_t>& constants);

  const std::shared_ptr<Context> context_;
  Libraries libraries_;
  Archive archive_;
  OnceMap<Key, Pipeline> pipelines_;
  OnceMap<int, Transfers> transfers_;
};

}  // namespace wavetile::metal
