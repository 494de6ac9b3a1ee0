// What a backend is. Three nouns that TypeScript sees (Device, Buffer, Program) and one that it does not (HostBlock).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "device/error.hpp"
#include "device/kernel.hpp"

namespace wavetile {

struct DeviceInfo {
  std::string backend;  // "vulkan" | "metal" | "cpu"
  uint32_t index = 0;   // within its backend
  std::string kind;     // "discrete" | "integrated" | "virtual" | "software" | "cpu"
  std::string name, vendor, driver, api_version;
  std::vector<std::string> features;      // names a user can look up: "shaderFloat16", "avx512", …
  std::vector<std::string> matrix_units;  // "16x16x16 f16 f16 f32 f32" per supported shape
  uint32_t subgroup_size = 1, min_subgroup_size = 1, max_subgroup_size = 1;
  uint32_t compute_threads = 0;  // CPU threads; 0 on a GPU
  uint64_t memory_bytes = 0;     // device-local memory in all
  uint64_t max_binding_bytes = 0, max_buffer_bytes = 0, binding_alignment = 16;
  std::array<uint32_t, 3> max_grid{};
  uint32_t max_workgroup_invocations = 0, max_shared_bytes = 0;
  bool timestamps = false, unified_memory = false;
};

struct MemoryInfo {
  uint64_t live_bytes = 0;    // held by buffers and host blocks in use
  uint64_t pooled_bytes = 0;  // freed, kept for reuse
  uint64_t peak_bytes = 0;    // greatest live_bytes so far
  uint64_t allocations = 0;   // calls to the system's allocator since opening
  uint64_t free_bytes =
      0;  // what new buffers could get: the system's free memory and the pool's, at most the limit's rest
};

struct OpenOptions {
  uint64_t memory_limit_bytes = 0;  // 0: no limit of our own
  uint64_t max_binding_bytes = 0;   // 0: the device's own; a smaller value makes data split earlier
  uint32_t threads = 0;             // CPU only; 0: one for each core
  bool validation = false;          // Vulkan only: validation layer with synchronization checks
  std::string cache_folder;         // pipeline cache; empty: none
};

// Device memory. It goes back to its device's pool with the last reference.
class Buffer {
 public:
  explicit Buffer(uint64_t bytes) : bytes(bytes) {}
  virtual ~Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const uint64_t bytes;  // as asked for; the memory behind it may be larger
};

// Pooled memory that both the host and the device's copies reach.
class HostBlock {
 public:
  HostBlock(std::byte* data, uint64_t bytes) : data(data), bytes(bytes) {}
  virtual ~HostBlock() = default;
  HostBlock(const HostBlock&) = delete;
  HostBlock& operator=(const HostBlock&) = delete;

  std::byte* const data;
  const uint64_t bytes;
};

struct BufferRange {
  std::shared_ptr<Buffer> buffer;
  uint64_t offset = 0, bytes = 0;
};

struct DispatchCommand {
  const Kernel* kernel = nullptr;
  std::vector<BufferRange> buffers;       // in binding order
  std::vector<std::byte> params;          // kernel->params_bytes of them
  std::vector<uint32_t> constants;        // one value per kernel->constants entry, same order
  std::array<uint32_t, 3> grid{1, 1, 1};  // workgroups
  BufferRange indirect;                   // when it has a buffer: grid comes from 3 uint32 there
};
struct CopyCommand {
  BufferRange from, to;
};
struct FillCommand {
  BufferRange to;
  uint32_t value = 0;
};
using Command = std::variant<DispatchCommand, CopyCommand, FillCommand>;

// Commands recorded once and run many times. It keeps every buffer it names alive.
class Program {
 public:
  virtual ~Program() = default;
};

struct Upload {
  std::shared_ptr<HostBlock> from;
  BufferRange to;
  uint64_t from_offset = 0;  // of the bytes in the block
};

struct RunRequest {
  std::shared_ptr<Program> program;    // may be empty: then only the transfers happen
  std::vector<Upload> uploads;         // before the program
  std::vector<BufferRange> readbacks;  // after it
  bool timed = false;
};

struct CommandTime {
  uint32_t command;         // index in the program's list
  double begin_us, end_us;  // device clock, relative to the run's first command
};

struct RunResult {
  std::vector<std::shared_ptr<HostBlock>> readbacks;  // one per range, its bytes first in the block
  std::vector<CommandTime> times;                     // when timed
  std::exception_ptr error;                           // an Error; then nothing else is set
};
using Completion = std::function<void(RunResult&&)>;  // called once, on a thread of the device

class Device : public std::enable_shared_from_this<Device> {
 public:
  virtual ~Device() = default;

  virtual const DeviceInfo& info() const = 0;
  virtual MemoryInfo memory() const = 0;

  // Both throw Error(out_of_memory) after the pool was cleared and tried once more. Contents are undefined.
  virtual std::shared_ptr<Buffer> allocate(uint64_t bytes) = 0;
  virtual std::shared_ptr<HostBlock> host_block(uint64_t bytes) = 0;

  // May compile pipelines: seconds on a cold cache. Not for the JS thread.
  virtual std::shared_ptr<Program> create_program(std::vector<Command> commands) = 0;

  // Runs in the order of the calls, from any thread, and returns at once. Throws only what is known before submission.
  virtual void run(RunRequest request, Completion done) = 0;

  virtual void release_pools() = 0;  // gives pooled memory back to the system

  // Where the host may write a range right now: memory that it shares with the device and that no run still uses. Null:
  // a copy has to be submitted. For who submits the runs, so that none comes between.
  virtual std::byte* direct(const BufferRange&) { return nullptr; }

  // What the validation layer said since the last call; always empty where there is none or it was not asked for.
  virtual std::vector<std::string> take_validation_messages() { return {}; }
};

// One per backend; native/device/registry.cpp lists those this build has.
struct Backend {
  const char* name;
  std::vector<DeviceInfo> (*list)();  // never throws: a missing loader is an empty list
  std::shared_ptr<Device> (*open)(uint32_t index, const OpenOptions& options);
  std::vector<std::string> (
      *diagnose)();  // human-readable lines: what was looked for, what is missing and how to get it
};
std::vector<Backend> backends();

Backend vulkan_backend();  // in native/vulkan, when the build has it
Backend metal_backend();   // in native/metal, when the build has it
Backend cpu_backend();     // in native/cpu

}  // namespace wavetile
