// Encoders: what is bound, and what ran since the last barrier.
#pragma once
#include "commands.hpp"
#include "library.hpp"
#include "resources.hpp"

namespace software_metal {

struct Slot {
  Buffer* buffer = nullptr;
  size_t offset = 0;
  std::shared_ptr<std::string> bytes;  // of setBytes
};

struct Use {
  Buffer* buffer;
  size_t offset;
  bool is_written;
};

struct ComputeEncoder : MTL::ComputeCommandEncoder, Encoder {
  bool is_concurrent = false;
  Pipeline* pipeline = nullptr;
  Slot slots[kMaxBindings];
  uint32_t threadgroup_bytes[kMaxBindings] = {};
  std::vector<Use> uses;  // since the last barrier, of a concurrent encoder
  bool is_after_barrier = true;
  std::shared_ptr<Pass> pass = std::make_shared<Pass>();
  Passes before;  // what the fences that were waited for put before this encoder

  void dispatch(MTL::Size grid, MTL::Size threads_per_group);
  void dispatch_indirect(Buffer* groups, size_t offset, MTL::Size threads_per_group);

 private:
  struct Prepared;
  std::shared_ptr<Prepared> prepare(MTL::Size threads_per_group);
  void bind(Prepared& prepared, const Argument& argument);
  void require_residency(const Buffer* buffer) const;
  void check_hazards(const Kernel& kernel, Buffer* indirect, size_t indirect_offset);
  void check_order(const Kernel& kernel, const std::vector<Use>& now);
};

struct BlitEncoder : MTL::BlitCommandEncoder, Encoder {};

/** Of an encoder that takes commands still. */
Encoder& encoder_in_use(const MTL::CommandEncoder* encoder);

}  // namespace software_metal
