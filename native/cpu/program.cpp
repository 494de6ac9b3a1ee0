// Looks kernels up, and runs the steps one after the other, each on all threads.
#include "cpu/program.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

#include "cpu/kernel_table.hpp"
#include "cpu/memory.hpp"

namespace wavetile::cpu {
namespace {

constexpr uint64_t kBlockBytes = 256 << 10;  // of a copy or fill, for one thread at a time

KernelFunction find_function(std::string_view kernel, std::string_view isa) {
  const auto table = kernel_table(isa);
  const auto found =
      std::lower_bound(table.begin(), table.end(), kernel,
                       [](const KernelEntry& entry, std::string_view name) { return entry.name < name; });
  if (found == table.end() || found->name != kernel) {
    throw Error(ErrorCode::unsupported, "the CPU device has no kernel " + std::string(kernel));
  }
  return found->function;
}

// Workgroups in all. Their numbers are 32-bit.
uint32_t workgroups(std::string_view kernel, const uint32_t (&grid)[3]) {
  const uint64_t plane = uint64_t{grid[0]} * grid[1];
  if (plane != 0 && grid[2] > UINT32_MAX / plane) {
    throw std::invalid_argument(std::string(kernel) + ": grid must have fewer than 2^32 workgroups, got " +
                                std::to_string(grid[0]) + " x " + std::to_string(grid[1]) + " x " +
                                std::to_string(grid[2]));
  }
  return static_cast<uint32_t>(plane * grid[2]);
}

template <class Body>
void for_blocks(ThreadPool& pool, uint64_t bytes, const Body& body) {
  const auto blocks = static_cast<uint32_t>((bytes + kBlockBytes - 1) / kBlockBytes);
  pool.parallel_for(
      blocks, [&](uint32_t begin, uint32_t end) { body(begin * kBlockBytes, std::min(bytes, end * kBlockBytes)); });
}

}  // namespace

void copy_bytes(ThreadPool& pool, std::byte* to, const std::byte* from, uint64_t bytes) {
  for_blocks(pool, bytes, [&](uint64_t begin, uint64_t end) { std::memcpy(to + begin, from + begin, end - begin); });
}

CpuProgram::CpuProgram(std::vector<Command> commands, std::string_view isa) : commands_(std::move(commands)) {
  steps_.reserve(commands_.size());
  for (const Command& command : commands_) {
    steps_.push_back(std::visit([&](const auto& one) { return make_step(one, isa); }, command));
  }
}

CpuProgram::Step CpuProgram::make_step(const DispatchCommand& dispatch, std::string_view isa) {
  DispatchStep step{.name = dispatch.kernel->name,
                    .function = find_function(dispatch.kernel->name, isa),
                    .buffers = {},
                    .buffer_bytes = {},
                    .command = &dispatch,
                    .indirect_grid = nullptr};
  for (const BufferRange& range : dispatch.buffers) {
    step.buffers.push_back(data_of(range));
    step.buffer_bytes.push_back(range.bytes);
  }
  if (dispatch.indirect.buffer) {
    step.indirect_grid = reinterpret_cast<const uint32_t*>(data_of(dispatch.indirect));
  } else {
    workgroups(step.name, {dispatch.grid[0], dispatch.grid[1], dispatch.grid[2]});
  }
  return step;
}

CpuProgram::Step CpuProgram::make_step(const CopyCommand& copy, std::string_view) {
  return CopyStep{data_of(copy.to), data_of(copy.from), copy.to.bytes};
}

CpuProgram::Step CpuProgram::make_step(const FillCommand& fill, std::string_view) {
  return FillStep{reinterpret_cast<uint32_t*>(data_of(fill.to)), (fill.to.bytes + 3) / 4, fill.value};
}

void CpuProgram::DispatchStep::run(ThreadPool& pool) const {
  Dispatch dispatch{.buffers = buffers.data(),
                    .buffer_bytes = buffer_bytes.data(),
                    .params_data = command->params.data(),
                    .constants_data = command->constants.data(),
                    .grid = {command->grid[0], command->grid[1], command->grid[2]}};
  if (indirect_grid) std::copy_n(indirect_grid, 3, dispatch.grid);
  pool.parallel_for(workgroups(name, dispatch.grid),
                    [&](uint32_t begin, uint32_t end) { function(dispatch, begin, end); });
}

void CpuProgram::CopyStep::run(ThreadPool& pool) const { copy_bytes(pool, to, from, bytes); }

void CpuProgram::FillStep::run(ThreadPool& pool) const {
  for_blocks(pool, words * 4, [&](uint64_t begin, uint64_t end) { std::fill(to + begin / 4, to + end / 4, value); });
}

void CpuProgram::run(ThreadPool& pool) const {
  for (const Step& step : steps_) {
    std::visit([&](const auto& one) { one.run(pool); }, step);
  }
}

std::vector<CommandTime> CpuProgram::run_timed(ThreadPool& pool) const {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto micros = [&] { return std::chrono::duration<double, std::micro>(Clock::now() - start).count(); };
  std::vector<CommandTime> times;
  times.reserve(steps_.size());
  for (const Step& step : steps_) {
    CommandTime time{static_cast<uint32_t>(times.size()), micros(), 0};
    std::visit([&](const auto& one) { one.run(pool); }, step);
    time.end_us = micros();
    times.push_back(time);
  }
  return times;
}

}  // namespace wavetile::cpu
