// The Metal device as the rest of the native side sees it.
#pragma once
#include <memory>

#include "device/device.hpp"
#include "metal/memory.hpp"
#include "metal/queue.hpp"

namespace wavetile::metal {

class MetalDevice final : public Device {
 public:
  MetalDevice(std::shared_ptr<Context> context, const OpenOptions& options);
  ~MetalDevice() override;

  const DeviceInfo& info() const override { return info_; }
  MemoryInfo memory() const override { return memory_->info(); }
  std::shared_ptr<Buffer> allocate(uint64_t bytes) override;
  std::shared_ptr<HostBlock> host_block(uint64_t bytes) override;
  std::shared_ptr<Program> create_program(std::vector<Command> commands) override;
  void run(RunRequest request, Completion done) override;
  void release_pools() override { memory_->clear(); }
  std::byte* direct(const BufferRange& range) override;

 private:
  void check_size(uint64_t bytes) const;

  const std::shared_ptr<Context> context_;
  DeviceInfo info_;
  const std::shared_ptr<MemoryPool> memory_;
  const std::shared_ptr<Pipelines> pipelines_;
  const std::shared_ptr<Queue> queue_;
};

std::vector<std::string> diagnose();

}  // namespace wavetile::metal
