// Encodes programs and reads their timestamps.
#include "vulkan/program.hpp"

#include "vulkan/encoder.hpp"

namespace wavetile::vulkan {

VulkanProgram::VulkanProgram(std::shared_ptr<Context> context, Pipelines& pipelines, std::vector<Command> commands)
    : context_(std::move(context)), commands_(std::move(commands)), pool_(context_) {
  for (const Command& command : commands_) {
    const auto* dispatch = std::get_if<DispatchCommand>(&command);
    pipelines_.push_back(dispatch ? pipelines.get(*dispatch->kernel, dispatch->constants) : nullptr);
  }
  vk_commands = pool_.allocate();
  pool_.begin(vk_commands, VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT);
  Encoder(*context_, vk_commands).encode(commands_, pipelines_, VK_NULL_HANDLE);
  pool_.end(vk_commands);
}

VulkanProgram::~VulkanProgram() {
  for (const auto& timed : timed_) context_->vk.vkDestroyQueryPool(context_->vk_device, timed->vk_queries, nullptr);
}

VulkanProgram::Timed* VulkanProgram::take_timed() {
  if (commands_.empty() || !context_->physical.info.timestamps) return nullptr;
  const std::lock_guard lock(mutex_);
  if (free_timed_.empty()) {
    timed_.push_back(encode_timed());
    return timed_.back().get();
  }
  Timed* timed = free_timed_.back();
  free_timed_.pop_back();
  return timed;
}

void VulkanProgram::give_back(Timed* timed) {
  const std::lock_guard lock(mutex_);
  free_timed_.push_back(timed);
}

std::unique_ptr<VulkanProgram::Timed> VulkanProgram::encode_timed() {
  auto timed = std::make_unique<Timed>();
  timed->vk_commands = pool_.allocate();
  auto info = structure<VkQueryPoolCreateInfo>(VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO);
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = static_cast<uint32_t>(2 * commands_.size());
  context_->check(context_->vk.vkCreateQueryPool(context_->vk_device, &info, nullptr, &timed->vk_queries),
                  "creating a query pool");
  try {
    pool_.begin(timed->vk_commands, 0);
    Encoder(*context_, timed->vk_commands).encode(commands_, pipelines_, timed->vk_queries);
    pool_.end(timed->vk_commands);
  } catch (...) {
    context_->vk.vkDestroyQueryPool(context_->vk_device, timed->vk_queries, nullptr);
    throw;
  }
  return timed;
}

std::vector<CommandTime> VulkanProgram::read_times(const Timed& timed) const {
  std::vector<uint64_t> ticks(2 * commands_.size());
  context_->check(context_->vk.vkGetQueryPoolResults(
                      context_->vk_device, timed.vk_queries, 0, static_cast<uint32_t>(ticks.size()),
                      ticks.size() * sizeof(uint64_t), ticks.data(), sizeof(uint64_t), VK_QUERY_RESULT_64_BIT),
                  "reading timestamps");
  const uint32_t bits = context_->physical.timestamp_bits;
  const uint64_t mask = bits >= 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
  const auto since_first_us = [&](uint64_t tick) {  // the counter may wrap in between
    return static_cast<double>((tick - ticks[0]) & mask) * context_->physical.timestamp_period_ns / 1000;
  };
  std::vector<CommandTime> times;
  for (uint32_t i = 0; i < commands_.size(); ++i) {
    times.push_back({i, since_first_us(ticks[2 * i]), since_first_us(ticks[2 * i + 1])});
  }
  return times;
}

}  // namespace wavetile::vulkan
