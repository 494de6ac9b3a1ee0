// Writes a program's commands into a command buffer, with the barriers that they need.
#pragma once
#include <vector>

#include "device/device.hpp"
#include "vulkan/barrier.hpp"
#include "vulkan/pipeline.hpp"

namespace wavetile::vulkan {

class Encoder {
 public:
  Encoder(const Context& context, VkCommandBuffer vk_commands) : context_(context), vk_commands_(vk_commands) {}

  // `pipelines` has one entry per command, empty for copies and fills. With a query pool, timestamps 2i and 2i + 1
  // are the begin and end of command i.
  void encode(const std::vector<Command>& commands, const std::vector<std::shared_ptr<Pipeline>>& pipelines,
              VkQueryPool vk_queries);

 private:
  void command(const DispatchCommand& dispatch, const Pipeline* pipeline);
  void command(const CopyCommand& copy, const Pipeline*);
  void command(const FillCommand& fill, const Pipeline*);
  void push_buffers(const DispatchCommand& dispatch, VkPipelineLayout vk_layout);
  VkBuffer handle(const BufferRange& range) const;

  const Context& context_;
  VkCommandBuffer vk_commands_;
  const Pipeline* bound_ = nullptr;
};

}  // namespace wavetile::vulkan
