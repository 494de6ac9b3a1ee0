// Resolves commands to steps.
#include "metal/program.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <set>
#include <system_error>
#include <utility>

#include "device/hazards.hpp"

namespace wavetile::metal {
namespace {

constexpr size_t kCompilers = 4;

// Metal compiles on the thread that asks. What fails here fails again for the command that needs it.
void compile_side_by_side(Pipelines& pipelines, const std::vector<Command>& commands) {
  std::set<std::pair<const Kernel*, std::vector<uint32_t>>> wanted;
  for (const Command& command : commands) {
    if (const auto* dispatch = std::get_if<DispatchCommand>(&command)) {
      wanted.emplace(dispatch->kernel, dispatch->constants);
    }
  }
  const std::vector all(wanted.begin(), wanted.end());
  std::atomic<size_t> next = 0;
  const auto compile = [&] {
    for (size_t i = next++; i < all.size(); i = next++) {
      try {
        pipelines.get(*all[i].first, all[i].second);
      } catch (const std::exception&) {
      }
    }
  };
  std::vector<std::future<void>> others;  // which wait at their end
  while (others.size() + 1 < std::min(kCompilers, all.size())) {
    try {
      others.push_back(std::async(std::launch::async, compile));
    } catch (const std::system_error&) {
      break;  // no thread to be had
    }
  }
  compile();
}

}  // namespace

MetalProgram::MetalProgram(const Context& context, Pipelines& pipelines, const std::vector<Command>& commands)
    : owner_(&context) {
  const Transfers& transfers = pipelines.transfers();
  const auto place = [&](const BufferRange& range) { return Place{own(context, *range.buffer), range.offset}; };
  compile_side_by_side(pipelines, commands);
  Hazards hazards;
  std::set<std::shared_ptr<MetalBuffer>> buffers;
  for (const Command& command : commands) {
    Step step;
    if (const auto* dispatch = std::get_if<DispatchCommand>(&command)) {
      pipelines_.push_back(pipelines.get(*dispatch->kernel, dispatch->constants));
      step = dispatch_step(context, *dispatch, pipelines_.back());
    } else if (const auto* copy = std::get_if<CopyCommand>(&command)) {
      step = copy_step(transfers, place(copy->from), place(copy->to), copy->to.bytes);
    } else {
      const auto& fill = std::get<FillCommand>(command);
      step = fill_step(transfers, place(fill.to), fill.to.bytes, fill.value);
    }
    const auto accesses = accesses_of(command);
    for (const RangeAccess& access : accesses) {
      buffers.insert(std::static_pointer_cast<MetalBuffer>(access.range->buffer));  // which `own` has checked
    }
    step.barrier = hazards.conflict(accesses);
    if (step.barrier) hazards.clear();
    hazards.add(accesses);
    steps_.push_back(std::move(step));
  }
  buffers_.assign(buffers.begin(), buffers.end());
}

void MetalProgram::number(uint64_t run) const {
  for (const auto& buffer : buffers_) buffer->last_run = run;
}

}  // namespace wavetile::metal
