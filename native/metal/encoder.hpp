// A run's commands in the form in which they are encoded, and the compute encoder of one command buffer.
#pragma once
#include <vector>

#include "device/device.hpp"
#include "metal/memory.hpp"
#include "metal/pipeline.hpp"

namespace wavetile::metal {

// One dispatch with everything that it binds. The program or the run holds the objects behind the pointers.
struct Step {
  const MTL::ComputePipelineState* pipeline = nullptr;
  std::vector<const MTL::Buffer*> buffers;
  std::vector<NS::UInteger> offsets;
  std::vector<std::byte> params;
  MTL::Size grid{0, 0, 0}, threads{0, 0, 0};  // an empty grid: nothing to do
  const MTL::Buffer* indirect = nullptr;
  NS::UInteger indirect_offset = 0;
  bool barrier = false;  // before it
};

// A part of an MTL::Buffer.
struct Place {
  const MTL::Buffer* mtl_buffer;
  uint64_t offset;
};

Step dispatch_step(const Context& context, const DispatchCommand& dispatch, const Pipeline& pipeline);
Step copy_step(const Transfers& transfers, Place from, Place to, uint64_t bytes);
Step fill_step(const Transfers& transfers, Place to, uint64_t bytes, uint32_t value);

// Steps of one command buffer run side by side up to a barrier, and all of them after the command buffer before. The
// pass begins with the first step.
class Encoder {
 public:
  Encoder(const Context& context, MTL::CommandBuffer& buffer) : context_(context), buffer_(buffer) {}
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  void encode(const Step& step);
  Place place(const BufferRange& range) const { return {own(*range.buffer), range.offset}; }
  template <class Memory>
  MTL::Buffer* own(const Memory& memory) const {
    return metal::own(context_, memory);
  }
  void barrier();
  bool has_pass() const { return mtl_encoder_; }

 private:
  void begin_pass();

  const Context& context_;
  MTL::CommandBuffer& buffer_;
  MTL::ComputeCommandEncoder* mtl_encoder_ = nullptr;
  const MTL::ComputePipelineState* bound_ = nullptr;
};

}  // namespace wavetile::metal
