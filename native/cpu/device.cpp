// The CPU as a device: always there, one of them, with the same limits as a GPU so that the same programs run on it.
#include "device/device.hpp"

#include <stdexcept>

#include "cpu/isa.hpp"
#include "cpu/memory.hpp"
#include "cpu/program.hpp"
#include "cpu/queue.hpp"
#include "cpu/system.hpp"
#include "device/check.hpp"

namespace wavetile {
namespace cpu {
namespace {

constexpr uint64_t kMaxBindingBytes = (4ull << 30) - 256;
constexpr uint32_t kMaxThreads = 1024;

DeviceInfo device_info(std::string_view isa) {
  DeviceInfo info;
  info.backend = "cpu";
  info.kind = "cpu";
  info.name = processor_name();
  info.vendor = processor_vendor();
  info.driver = "wavetile " + std::string(isa);
  info.features = processor_features();
  info.compute_threads = usable_threads();
  info.memory_bytes = memory_bytes();
  info.max_binding_bytes = kMaxBindingBytes;
  info.max_buffer_bytes = info.memory_bytes;
  info.max_grid = {65535, 65535, 65535};
  info.max_workgroup_invocations = 1024;
  info.max_shared_bytes = 32 << 10;
  info.timestamps = true;
  info.unified_memory = true;
  return info;
}

class CpuDevice final : public Device {
 public:
  CpuDevice(DeviceInfo info, std::string_view isa, uint64_t limit_bytes)
      : info_(std::move(info)),
        isa_(isa),
        memory_(make_memory_pool(limit_bytes)),
        queue_(memory_, info_.compute_threads) {}

  const DeviceInfo& info() const override { return info_; }
  MemoryInfo memory() const override { return memory_->info(); }

  std::shared_ptr<Buffer> allocate(uint64_t bytes) override {
    return std::make_shared<CpuBuffer>(bytes, memory_->take(PoolKind::device, bytes));
  }

  std::shared_ptr<HostBlock> host_block(uint64_t bytes) override { return make_host_block(*memory_, bytes); }

  std::shared_ptr<Program> create_program(std::vector<Command> commands) override {
    check_commands(commands, info_);
    return std::make_shared<CpuProgram>(std::move(commands), isa_);
  }

  void run(RunRequest request, Completion done) override {
    check_request(request);
    if (request.program && !dynamic_cast<const CpuProgram*>(request.program.get())) {
      throw std::invalid_argument("a program of another device");
    }
    queue_.push(std::move(request), std::move(done));
  }

  void release_pools() override { memory_->clear(); }

 private:
  const DeviceInfo info_;
  const std::string_view isa_;
  const std::shared_ptr<MemoryPool> memory_;
  Queue queue_;
};

std::vector<DeviceInfo> list() {
  try {
    return {device_info(choose_isa())};
  } catch (const Error&) {
    return {};
  }
}

std::shared_ptr<Device> open(uint32_t index, const OpenOptions& options) {
  if (index != 0)
    throw Error(ErrorCode::no_device, "there is one CPU device, asked for number " + std::to_string(index));
  if (options.threads > kMaxThreads) {
    throw std::invalid_argument("threads must be at most " + std::to_string(kMaxThreads) + ", got " +
                                std::to_string(options.threads));
  }
  const std::string_view isa = choose_isa();
  DeviceInfo info = device_info(isa);
  if (options.threads) info.compute_threads = options.threads;
  return std::make_shared<CpuDevice>(with_options(std::move(info), options), isa, options.memory_limit_bytes);
}

std::vector<std::string> diagnose() {
  try {
    const DeviceInfo info = device_info(choose_isa());
    return {"cpu: " + info.name + ", " + std::to_string(info.compute_threads) + " threads, kernels for " +
            std::string(choose_isa())};
  } catch (const Error& error) {
    return {std::string("cpu: ") + error.what() + (error.suggestion.empty() ? "" : "; " + error.suggestion)};
  }
}

}  // namespace
}  // namespace cpu

Backend cpu_backend() { return {"cpu", cpu::list, cpu::open, cpu::diagnose}; }

}  // namespace wavetile
