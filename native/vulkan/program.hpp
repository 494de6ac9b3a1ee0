// A program: its commands encoded once, and again with timestamps when a timed run asks for it.
#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "device/device.hpp"
#include "vulkan/commands.hpp"
#include "vulkan/pipeline.hpp"

namespace wavetile::vulkan {

class VulkanProgram final : public Program {
 public:
  VulkanProgram(std::shared_ptr<Context> context, Pipelines& pipelines, std::vector<Command> commands);
  ~VulkanProgram() override;

  // An encoding with queries of its own, because timed runs of one program may be under way together.
  struct Timed {
    VkCommandBuffer vk_commands = VK_NULL_HANDLE;
    VkQueryPool vk_queries = VK_NULL_HANDLE;
  };

  // A timed run has one Timed to itself from take_timed to give_back. Nullptr when there is nothing to time.
  Timed* take_timed();
  std::vector<CommandTime> read_times(const Timed& timed) const;  // after the run ended
  void give_back(Timed* timed);

  const Context* owner() const { return context_.get(); }
  VkCommandBuffer vk_commands = VK_NULL_HANDLE;

 private:
  std::unique_ptr<Timed> encode_timed();

  std::shared_ptr<Context> context_;
  std::vector<Command> commands_;
  std::vector<std::shared_ptr<Pipeline>> pipelines_;
  std::mutex mutex_;
  CommandPool pool_;
  std::vector<std::unique_ptr<Timed>> timed_;
  std::vector<Timed*> free_timed_;
};

}  // namespace wavetile::vulkan
