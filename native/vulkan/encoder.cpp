// Dispatches, copies and fills; independent ones stay without a barrier and overlap.
#include "vulkan/encoder.hpp"

#include "device/hazards.hpp"
#include "vulkan/memory.hpp"

namespace wavetile::vulkan {
namespace {

// To the next word. Bindings and whole-buffer fills may end inside one; the memory behind a buffer goes on.
uint64_t whole_words(uint64_t bytes) { return (bytes + 3) / 4 * 4; }

Stages stages_of(const std::vector<Command>& commands) {
  Stages stages;
  for (const Command& command : commands) {
    const auto* dispatch = std::get_if<DispatchCommand>(&command);
    stages = stages | (dispatch ? kCompute : kTransfer);
    if (dispatch && dispatch->indirect.buffer) stages = stages | kIndirect;
  }
  return stages;
}

}  // namespace

void Encoder::encode(const std::vector<Command>& commands, const std::vector<std::shared_ptr<Pipeline>>& pipelines,
                     VkQueryPool vk_queries) {
  if (commands.empty()) return;
  const Stages stages = stages_of(commands);
  const auto timestamp = [&](size_t query) {
    if (!vk_queries) return;
    context_.vk.vkCmdWriteTimestamp2(vk_commands_, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, vk_queries,
                                     static_cast<uint32_t>(query));
  };
  if (vk_queries) {
    context_.vk.vkCmdResetQueryPool(vk_commands_, vk_queries, 0, static_cast<uint32_t>(2 * commands.size()));
  }
  record_barrier(context_, vk_commands_, kAllStages, stages);  // after earlier runs and this run's uploads
  Hazards hazards;
  for (size_t i = 0; i < commands.size(); ++i) {
    const auto accesses = accesses_of(commands[i]);
    if (hazards.conflict(accesses)) {
      record_barrier(context_, vk_commands_, stages, stages);
      hazards.clear();
    }
    hazards.add(accesses);
    timestamp(2 * i);
    std::visit([&](const auto& one) { command(one, pipelines[i].get()); }, commands[i]);
    timestamp(2 * i + 1);
  }
}

void Encoder::command(const DispatchCommand& dispatch, const Pipeline* pipeline) {
  const VolkDeviceTable& vk = context_.vk;
  if (pipeline != bound_) vk.vkCmdBindPipeline(vk_commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->vk_pipeline);
  bound_ = pipeline;
  push_buffers(dispatch, pipeline->vk_layout);
  if (!dispatch.params.empty()) {
    vk.vkCmdPushConstants(vk_commands_, pipeline->vk_layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                          static_cast<uint32_t>(dispatch.params.size()), dispatch.params.data());
  }
  if (dispatch.indirect.buffer) {
    vk.vkCmdDispatchIndirect(vk_commands_, handle(dispatch.indirect), dispatch.indirect.offset);
  } else {
    vk.vkCmdDispatch(vk_commands_, dispatch.grid[0], dispatch.grid[1], dispatch.grid[2]);
  }
}

void Encoder::push_buffers(const DispatchCommand& dispatch, VkPipelineLayout vk_layout) {
  const size_t count = dispatch.buffers.size();
  std::vector<VkDescriptorBufferInfo> infos(count);
  std::vector<VkWriteDescriptorSet> writes(count,
                                           structure<VkWriteDescriptorSet>(VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET));
  for (size_t i = 0; i < count; ++i) {
    const BufferRange& range = dispatch.buffers[i];
    infos[i] = {handle(range), range.offset, whole_words(range.bytes)};
    writes[i].dstBinding = static_cast<uint32_t>(i);
    writes[i].descriptorCount = 1;
    writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    writes[i].pBufferInfo = &infos[i];
  }
  if (count == 0) return;
  context_.vk.vkCmdPushDescriptorSetKHR(vk_commands_, VK_PIPELINE_BIND_POINT_COMPUTE, vk_layout, 0,
                                        static_cast<uint32_t>(count), writes.data());
}

void Encoder::command(const CopyCommand& copy, const Pipeline*) {
  if (copy.to.bytes == 0) return;
  const VkBufferCopy region{copy.from.offset, copy.to.offset, copy.to.bytes};
  context_.vk.vkCmdCopyBuffer(vk_commands_, handle(copy.from), handle(copy.to), 1, &region);
}

void Encoder::command(const FillCommand& fill, const Pipeline*) {
  if (fill.to.bytes == 0) return;
  context_.vk.vkCmdFillBuffer(vk_commands_, handle(fill.to), fill.to.offset, whole_words(fill.to.bytes), fill.value);
}

VkBuffer Encoder::handle(const BufferRange& range) const { return own(context_, *range.buffer).vk_buffer; }

}  // namespace wavetile::vulkan
