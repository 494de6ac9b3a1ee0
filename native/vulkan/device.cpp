// Brings the parts together, and the backend's entry.
#include "vulkan/device.hpp"

#include <stdexcept>

#include "device/check.hpp"

namespace wavetile {
namespace vulkan {
namespace {

std::vector<DeviceInfo> list() {
  std::vector<DeviceInfo> infos;
  try {
    const auto instance = Instance::shared();
    if (!instance) return {};
    for (PhysicalDevice& device : usable_physical_devices(*instance)) infos.push_back(std::move(device.info));
  } catch (const std::exception&) {
    return {};  // diagnose says why
  }
  return infos;
}

std::shared_ptr<Device> open(uint32_t index, const OpenOptions& options) {
  auto instance = options.validation ? Instance::with_validation() : Instance::shared();
  if (!instance) {
    throw Error(ErrorCode::no_device, "Vulkan is not available", loader_present() ? kInstallDriver : kInstallLoader);
  }
  std::vector<PhysicalDevice> devices = usable_physical_devices(*instance);
  if (index >= devices.size()) {
    throw Error(ErrorCode::no_device,
                "there is no Vulkan device " + std::to_string(index) + ", there are " + std::to_string(devices.size()));
  }
  auto context = std::make_shared<Context>(std::move(instance), std::move(devices[index]));
  return std::make_shared<VulkanDevice>(std::move(context), options);
}

}  // namespace

VulkanDevice::VulkanDevice(std::shared_ptr<Context> context, const OpenOptions& options)
    : context_(std::move(context)),
      info_(with_options(context_->physical.info, options)),
      memory_(make_memory_pool(context_, options.memory_limit_bytes)),
      pipelines_(context_, options.cache_folder),
      queue_(Queue::start(context_)) {}

VulkanDevice::~VulkanDevice() {
  queue_->stop();
  memory_->clear();
}

void VulkanDevice::check_size(uint64_t bytes) const {
  context_->throw_if_lost();
  check_buffer_bytes(bytes, info_);
}

std::shared_ptr<Buffer> VulkanDevice::allocate(uint64_t bytes) {
  check_size(bytes);
  return std::make_shared<VulkanBuffer>(bytes, memory_->take(PoolKind::device, bytes), context_.get());
}

std::shared_ptr<HostBlock> VulkanDevice::host_block(uint64_t bytes) {
  check_size(bytes);
  return std::make_shared<VulkanHostBlock>(bytes, memory_->take(PoolKind::host, bytes), context_.get());
}

std::shared_ptr<Program> VulkanDevice::create_program(std::vector<Command> commands) {
  context_->throw_if_lost();
  check_commands(commands, info_);
  auto program = std::make_shared<VulkanProgram>(context_, pipelines_, std::move(commands));
  pipelines_.save_cache();
  return program;
}

void VulkanDevice::run(RunRequest request, Completion done) {
  context_->throw_if_lost();
  check_request(request);
  if (request.program) {
    const auto* program = dynamic_cast<const VulkanProgram*>(request.program.get());
    if (!program || program->owner() != context_.get()) throw std::invalid_argument("run: program of another device");
  }
  std::vector<std::shared_ptr<HostBlock>> readbacks;
  for (const BufferRange& range : request.readbacks) readbacks.push_back(host_block(range.bytes));
  queue_->submit(std::move(request), std::move(readbacks), std::move(done));
}

}  // namespace vulkan

Backend vulkan_backend() { return {"vulkan", vulkan::list, vulkan::open, vulkan::diagnose}; }

}  // namespace wavetile
