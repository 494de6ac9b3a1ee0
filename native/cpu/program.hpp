// A program of the CPU device: its commands with functions and addresses looked up once.
#pragma once
#include <string_view>
#include <variant>
#include <vector>

#include "cpu/kernel.hpp"
#include "cpu/thread_pool.hpp"
#include "device/device.hpp"

namespace wavetile::cpu {

class CpuProgram final : public Program {
 public:
  // Throws std::invalid_argument, and Error(unsupported) for a kernel that `isa` lacks.
  CpuProgram(std::vector<Command> commands, std::string_view isa);

  void run(ThreadPool& pool) const;
  std::vector<CommandTime> run_timed(ThreadPool& pool) const;

 private:
  struct DispatchStep {
    std::string_view name;
    KernelFunction function;
    std::vector<std::byte*> buffers;
    std::vector<uint64_t> buffer_bytes;
    const DispatchCommand* command;
    const uint32_t* indirect_grid;  // nullptr: the command's
    void run(ThreadPool& pool) const;
  };
  struct CopyStep {
    std::byte *to, *from;
    uint64_t bytes;
    void run(ThreadPool& pool) const;
  };
  struct FillStep {
    uint32_t* to;
    uint64_t words;
    uint32_t value;
    void run(ThreadPool& pool) const;
  };
  using Step = std::variant<DispatchStep, CopyStep, FillStep>;

  static Step make_step(const DispatchCommand& dispatch, std::string_view isa);
  static Step make_step(const CopyCommand& copy, std::string_view isa);
  static Step make_step(const FillCommand& fill, std::string_view isa);

  const std::vector<Command> commands_;  // keeps buffers, parameters and constants alive
  std::vector<Step> steps_;
};

void copy_bytes(ThreadPool& pool, std::byte* to, const std::byte* from, uint64_t bytes);

}  // namespace wavetile::cpu
