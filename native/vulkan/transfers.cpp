// Copies between host blocks and buffers. Writes by the host before the submission need no barrier, reads after it do.
#include "vulkan/transfers.hpp"

#include "device/hazards.hpp"
#include "vulkan/barrier.hpp"
#include "vulkan/memory.hpp"

namespace wavetile::vulkan {

Transfers::Transfers(std::shared_ptr<Context> context)
    : context_(std::move(context)), pool_(context_), vk_before_(pool_.allocate()), vk_after_(pool_.allocate()) {}

void Transfers::reset() {
  if (before_used_ || after_used_) pool_.reset();
  before_used_ = after_used_ = false;
}

void Transfers::record_uploads(const std::vector<Upload>& uploads) {
  if (uploads.empty()) return;
  before_used_ = true;
  pool_.begin(vk_before_, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
  record_barrier(*context_, vk_before_, kAllStages, kTransfer);
  Hazards hazards;
  for (const Upload& upload : uploads) {
    if (upload.to.bytes == 0) continue;
    const std::vector<RangeAccess> written{{&upload.to, Access::write}};
    if (hazards.conflict(written)) {
      record_barrier(*context_, vk_before_, kTransfer, kTransfer);
      hazards.clear();
    }
    hazards.add(written);
    const VulkanHostBlock& from = own(*context_, *upload.from);
    vmaFlushAllocation(context_->vma, from.allocation, upload.from_offset,
                       upload.to.bytes);  // nothing to do on coherent memory
    const VkBufferCopy region{upload.from_offset, upload.to.offset, upload.to.bytes};
    context_->vk.vkCmdCopyBuffer(vk_before_, from.vk_buffer, own(*context_, *upload.to.buffer).vk_buffer, 1, &region);
  }
  pool_.end(vk_before_);
}

void Transfers::record_readbacks(const std::vector<BufferRange>& ranges,
                                 const std::vector<std::shared_ptr<HostBlock>>& blocks) {
  if (ranges.empty()) return;
  after_used_ = true;
  pool_.begin(vk_after_, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
  record_barrier(*context_, vk_after_, kAllStages, kTransfer);
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].bytes == 0) continue;
    const VkBufferCopy region{ranges[i].offset, 0, ranges[i].bytes};
    context_->vk.vkCmdCopyBuffer(vk_after_, own(*context_, *ranges[i].buffer).vk_buffer,
                                 own(*context_, *blocks[i]).vk_buffer, 1, &region);
  }
  record_barrier(*context_, vk_after_, kTransfer, kHost);
  pool_.end(vk_after_);
}

}  // namespace wavetile::vulkan
