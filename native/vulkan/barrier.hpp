// The pipeline stages that this room uses and the one global memory barrier between them.
#pragma once
#include "vulkan/context.hpp"

namespace wavetile::vulkan {

struct Stages {
  VkPipelineStageFlags2 stages = 0;
  VkAccessFlags2 reads = 0, writes = 0;

  Stages operator|(const Stages& other) const {
    return {stages | other.stages, reads | other.reads, writes | other.writes};
  }
};

inline constexpr Stages kCompute{VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT, VK_ACCESS_2_SHADER_STORAGE_READ_BIT,
                                 VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT};
inline constexpr Stages kTransfer{VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT, VK_ACCESS_2_TRANSFER_READ_BIT,
                                  VK_ACCESS_2_TRANSFER_WRITE_BIT};
inline constexpr Stages kIndirect{VK_PIPELINE_STAGE_2_DRAW_INDIRECT_BIT, VK_ACCESS_2_INDIRECT_COMMAND_READ_BIT, 0};
inline constexpr Stages kHost{VK_PIPELINE_STAGE_2_HOST_BIT, VK_ACCESS_2_HOST_READ_BIT, 0};
inline const Stages kAllStages = kCompute | kTransfer | kIndirect;

// Everything before, also of earlier submissions, in `from` happens before everything after in `to`.
inline void record_barrier(const Context& context, VkCommandBuffer vk_commands, const Stages& from, const Stages& to) {
  auto memory = structure<VkMemoryBarrier2>(VK_STRUCTURE_TYPE_MEMORY_BARRIER_2);
  memory.srcStageMask = from.stages;
  memory.srcAccessMask = from.writes;
  memory.dstStageMask = to.stages;
  memory.dstAccessMask = to.reads | to.writes;
  auto info = structure<VkDependencyInfo>(VK_STRUCTURE_TYPE_DEPENDENCY_INFO);
  info.memoryBarrierCount = 1;
  info.pMemoryBarriers = &memory;
  context.vk.vkCmdPipelineBarrier2(vk_commands, &info);
}

}  // namespace wavetile::vulkan
