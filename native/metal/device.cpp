// Brings the parts together, and the backend's entry.
#include "metal/device.hpp"

#include <stdexcept>

#include "device/check.hpp"

namespace wavetile {
namespace metal {
namespace {

std::vector<DeviceInfo> list() {
  std::vector<DeviceInfo> infos;
  for (PhysicalDevice& device : usable_physical_devices()) infos.push_back(std::move(device.info));
  return infos;
}

std::shared_ptr<Device> open(uint32_t index, const OpenOptions& options) {
  std::vector<PhysicalDevice> devices = usable_physical_devices();
  if (index >= devices.size()) {
    throw Error(ErrorCode::no_device,
                "there is no Metal device " + std::to_string(index) + ", there are " + std::to_string(devices.size()));
  }
  return std::make_shared<MetalDevice>(std::make_shared<Context>(std::move(devices[index])), options);
}

}  // namespace

MetalDevice::MetalDevice(std::shared_ptr<Context> context, const OpenOptions& options)
    : context_(std::move(context)),
      info_(with_options(context_->physical.info, options)),
      memory_(make_memory_pool(context_, options.memory_limit_bytes)),
      pipelines_(std::make_shared<Pipelines>(context_, options.cache_folder)),
      queue_(std::make_shared<Queue>(context_, pipelines_)) {}

MetalDevice::~MetalDevice() {
  queue_->stop();
  memory_->clear();
}

void MetalDevice::check_size(uint64_t bytes) const {
  context_->throw_if_lost();
  check_buffer_bytes(bytes, info_);
}

std::shared_ptr<Buffer> MetalDevice::allocate(uint64_t bytes) {
  check_size(bytes);
  return std::make_shared<MetalBuffer>(bytes, memory_->take(PoolKind::device, bytes), context_.get());
}

std::shared_ptr<HostBlock> MetalDevice::host_block(uint64_t bytes) {
  check_size(bytes);
  return std::make_shared<MetalHostBlock>(bytes, memory_->take(PoolKind::host, bytes), context_.get());
}

std::shared_ptr<Program> MetalDevice::create_program(std::vector<Command> commands) {
  context_->throw_if_lost();
  check_commands(commands, info_);
  return std::make_shared<MetalProgram>(*context_, *pipelines_, commands);
}

void MetalDevice::run(RunRequest request, Completion done) {
  context_->throw_if_lost();
  check_request(request);
  if (request.program) {
    const auto* program = dynamic_cast<const MetalProgram*>(request.program.get());
    if (!program || program->owner() != context_.get()) throw std::invalid_argument("run: program of another device");
  }
  std::vector<std::shared_ptr<HostBlock>> readbacks;
  for (const BufferRange& range : request.readbacks) readbacks.push_back(host_block(range.bytes));
  queue_->submit(std::make_unique<Flight>(std::move(request), std::move(readbacks), std::move(done)));
}

std::byte* MetalDevice::direct(const BufferRange& range) {
  const auto* buffer = dynamic_cast<const MetalBuffer*>(range.buffer.get());
  if (!buffer || buffer->owner != context_.get() || !queue_->has_ended(buffer->last_run)) return nullptr;
  return static_cast<std::byte*>(buffer->mtl_buffer->contents()) + range.offset;
}

}  // namespace metal

Backend metal_backend() { return {"metal", metal::list, metal::open, metal::diagnose}; }

}  // namespace wavetile
