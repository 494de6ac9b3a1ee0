// Dispatches, and copies and fills as dispatches.
#include "metal/encoder.hpp"

#include <algorithm>
#include <cstring>

namespace wavetile::metal {
namespace {

template <class Params>
std::vector<std::byte> bytes_of(const Params& params) {
  std::vector<std::byte> bytes(sizeof params);
  std::memcpy(bytes.data(), &params, sizeof params);
  return bytes;
}

Step transfer_step(const Pipeline& pipeline, uint64_t items) {
  constexpr uint64_t kItems = uint64_t{kTransferThreads} * kTransferItems;
  Step step;
  step.pipeline = pipeline.get();
  step.grid = MTL::Size((items + kItems - 1) / kItems, 1, 1);
  step.threads = MTL::Size(kTransferThreads, 1, 1);
  return step;
}

}  // namespace

Step dispatch_step(const Context& context, const DispatchCommand& dispatch, const Pipeline& pipeline) {
  Step step;
  step.pipeline = pipeline.get();
  for (const BufferRange& range : dispatch.buffers) {
    step.buffers.push_back(own(context, *range.buffer));
    step.offsets.push_back(range.offset);
  }
  step.params = dispatch.params;
  const auto& threads = dispatch.kernel->workgroup;
  step.threads = MTL::Size(threads[0], threads[1], threads[2]);
  step.grid = MTL::Size(dispatch.grid[0], dispatch.grid[1], dispatch.grid[2]);
  if (dispatch.indirect.buffer) {
    step.indirect = own(context, *dispatch.indirect.buffer);
    step.indirect_offset = dispatch.indirect.offset;
  }
  return step;
}

Step copy_step(const Transfers& transfers, Place from, Place to, uint64_t bytes) {
  const bool words = (from.offset | to.offset | bytes) % 4 == 0;
  const uint64_t items = words ? bytes / 4 : bytes;
  Step step = transfer_step(words ? transfers.copy_words : transfers.copy_bytes, items);
  step.buffers = {from.mtl_buffer, to.mtl_buffer};
  step.offsets = {from.offset, to.offset};
  step.params = bytes_of(items);
  return step;
}

Step fill_step(const Transfers& transfers, Place to, uint64_t bytes, uint32_t value) {
  struct Fill {
    uint64_t words;
    uint32_t value, unused;
  };
  const uint64_t words = (bytes + 3) / 4;  // a fill of the whole buffer may end inside one; the memory behind goes on
  Step step = transfer_step(transfers.fill_words, words);
  step.buffers = {to.mtl_buffer};
  step.offsets = {to.offset};
  step.params = bytes_of(Fill{words, value, 0});
  return step;
}

void Encoder::begin_pass() {
  mtl_encoder_ = buffer_.computeCommandEncoder(MTL::DispatchTypeConcurrent);
  if (!mtl_encoder_) throw Error(ErrorCode::out_of_memory, context_.physical.info.name + " gives no encoder for a run");
  if (context_.fence_updated) mtl_encoder_->waitForFence(context_.mtl_fence.get());
}

void Encoder::barrier() {
  if (mtl_encoder_) mtl_encoder_->memoryBarrier(MTL::BarrierScopeBuffers);
}

void Encoder::encode(const Step& step) {
  if (step.barrier) barrier();
  if (!step.indirect && step.grid.width * step.grid.height * step.grid.depth == 0) return;
  if (!mtl_encoder_) begin_pass();
  if (step.pipeline != bound_) mtl_encoder_->setComputePipelineState(step.pipeline);
  bound_ = step.pipeline;
  const size_t count = step.buffers.size();
  mtl_encoder_->setBuffers(step.buffers.data(), step.offsets.data(), NS::Range(0, count));
  if (!step.params.empty()) mtl_encoder_->setBytes(step.params.data(), step.params.size(), count);
  if (step.indirect) {
    mtl_encoder_->dispatchThreadgroups(step.indirect, step.indirect_offset, step.threads);
  } else {
    mtl_encoder_->dispatchThreadgroups(step.grid, step.threads);
  }
}

Encoder::~Encoder() {
  if (!mtl_encoder_) return;
  mtl_encoder_->updateFence(context_.mtl_fence.get());
  mtl_encoder_->endEncoding();
}

}  // namespace wavetile::metal
