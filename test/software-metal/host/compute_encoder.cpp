// Compute commands: what they bind is checked when they are encoded, as Metal's API validation does.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "encoders.hpp"

namespace software_metal {

/** A dispatch and what it needs until it ran. */
struct ComputeEncoder::Prepared {
  Dispatch dispatch;
  NS::SharedPtr<Function> function;
  std::vector<std::shared_ptr<std::string>> bytes;
  std::vector<Buffer*> buffers;

  void set_grid(const NS::UInteger* grid) {
    for (int k = 0; k < 3; k++) dispatch.grid[k] = static_cast<uint32_t>(grid[k]);
  }
  void run(CommandBuffer& command_buffer) const {
    for (const Buffer* buffer : buffers) NS::ObjectAccess::check_alive(buffer, "GPU access");
    const std::string problems = software_metal::run(dispatch);
    command_buffer.problems += problems;
    fputs(problems.c_str(), stderr);
  }
};

void ComputeEncoder::bind(Prepared& prepared, const Argument& argument) {
  const char* name = prepared.dispatch.kernel->name;
  const int index = argument.index;
  if (argument.kind == ArgumentKind::threadgroup_memory && !threadgroup_bytes[index])
    misuse("%s: threadgroup memory %d has no length", name, index);
  if (argument.kind != ArgumentKind::buffer) return;
  const Slot& slot = slots[index];
  Binding& binding = prepared.dispatch.buffers[index];
  if (slot.bytes) {
    if (argument.is_written) misuse("%s: buffer %d is written, and bound with setBytes", name, index);
    prepared.bytes.push_back(slot.bytes);
    auto* data = reinterpret_cast<uint8_t*>(slot.bytes->data());
    binding = {data, data, data + slot.bytes->size()};
  } else if (slot.buffer) {
    require_residency(slot.buffer);
    prepared.buffers.push_back(slot.buffer);
    binding = {slot.buffer->data + slot.offset, slot.buffer->data, slot.buffer->end()};
  }
}

void ComputeEncoder::require_residency(const Buffer* buffer) const {
  const auto& sets = command_buffer->queue->residency_sets;
  const bool is_kept = std::any_of(sets.begin(), sets.end(),
                                   [&](const auto& set) { return as<ResidencySet>(set.get())->keeps(buffer); });
  if (!sets.empty() && !is_kept) misuse("no residency set of the queue keeps the buffer, as committed and asked for");
}

// Metal is not told where a binding ends: those that begin at different places are taken to be apart.
void ComputeEncoder::check_hazards(const Kernel& kernel, Buffer* indirect, size_t indirect_offset) {
  std::vector<Use> now;
  if (indirect) now.push_back({indirect, indirect_offset, false});
  for (int i = 0; i < kernel.argument_count; i++) {
    const Argument& argument = kernel.arguments[i];
    if (argument.kind != ArgumentKind::buffer || !slots[argument.index].buffer) continue;
    now.push_back({slots[argument.index].buffer, slots[argument.index].offset, argument.is_written});
  }
  check_order(kernel, now);
  if (!is_concurrent) return;
  for (const Use& use : now)
    for (const Use& earlier : uses)
      if (earlier.buffer == use.buffer && earlier.offset == use.offset && (earlier.is_written || use.is_written))
        misuse(
            "%s: buffer '%s' conflicts with an earlier dispatch of this concurrent encoder, with no memoryBarrier "
            "between",
            kernel.name, use.buffer->label_text.c_str());
  uses.insert(uses.end(), now.begin(), now.end());
}

// Nothing but fences puts an untracked buffer's uses by several encoders in order.
void ComputeEncoder::check_order(const Kernel& kernel, const std::vector<Use>& now) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  for (const Use& use : now) {
    if (!(use.buffer->options & MTL::ResourceHazardTrackingModeUntracked)) continue;
    auto& earlier = use.buffer->pass_uses;
    std::erase_if(earlier, [](const PassUse& one) { return one.pass->is_done.load(); });
    for (const PassUse& one : earlier)
      if (one.pass != pass && (one.is_written || use.is_written) && !std::count(before.begin(), before.end(), one.pass))
        misuse("%s: untracked buffer '%s' is used by an earlier encoder, with no fence between", kernel.name,
               use.buffer->label_text.c_str());
    const bool is_known = std::any_of(earlier.begin(), earlier.end(), [&](const PassUse& one) {
      return one.pass == pass && one.is_written == use.is_written;
    });
    if (!is_known) earlier.push_back({pass, use.is_written});
  }
}

std::shared_ptr<ComputeEncoder::Prepared> ComputeEncoder::prepare(MTL::Size threads) {
  if (!pipeline) misuse("dispatch without a pipeline state");
  auto prepared = std::make_shared<Prepared>();
  Dispatch& dispatch = prepared->dispatch;
  prepared->function = pipeline->function;
  dispatch.module = pipeline->function->library->module;
  dispatch.kernel = pipeline->function->kernel;
  dispatch.constants = &pipeline->function->constants;
  const size_t count = threads.width * threads.height * threads.depth;
  const size_t limit = pipeline->maxTotalThreadsPerThreadgroup();
  if (count == 0 || count > limit)
    misuse("%s: %zu threads in a threadgroup; the limit is %zu", dispatch.kernel->name, count, limit);
  const NS::UInteger per_group[] = {threads.width, threads.height, threads.depth};
  for (int k = 0; k < 3; k++) dispatch.threads_per_group[k] = static_cast<uint32_t>(per_group[k]);
  memcpy(dispatch.threadgroup_bytes, threadgroup_bytes, sizeof threadgroup_bytes);
  for (int i = 0; i < dispatch.kernel->argument_count; i++) bind(*prepared, dispatch.kernel->arguments[i]);
  dispatch.is_side_by_side = is_concurrent && !is_after_barrier;
  is_after_barrier = false;
  return prepared;
}

void ComputeEncoder::dispatch(MTL::Size grid, MTL::Size threads_per_group) {
  auto prepared = prepare(threads_per_group);
  const Kernel& kernel = *prepared->dispatch.kernel;
  if (!grid.width || !grid.height || !grid.depth) misuse("%s: empty grid", kernel.name);
  const NS::UInteger threads[] = {grid.width, grid.height, grid.depth};
  prepared->set_grid(threads);
  check_hazards(kernel, nullptr, 0);
  command_buffer->add_work([prepared, buffer = command_buffer] { prepared->run(*buffer); });
}

void ComputeEncoder::dispatch_indirect(Buffer* groups, size_t offset, MTL::Size threads_per_group) {
  auto prepared = prepare(threads_per_group);
  const Kernel& kernel = *prepared->dispatch.kernel;
  if (offset % 4 || offset + 12 > groups->bytes) misuse("%s: indirect grid at offset %zu", kernel.name, offset);
  check_hazards(kernel, groups, offset);
  command_buffer->add_work([prepared, groups, offset, buffer = command_buffer] {
    NS::ObjectAccess::check_alive(groups, "GPU access");
    uint32_t counts[3];
    memcpy(counts, groups->data + offset, sizeof counts);
    NS::UInteger threads[3];
    for (int k = 0; k < 3; k++) threads[k] = NS::UInteger{counts[k]} * prepared->dispatch.threads_per_group[k];
    prepared->set_grid(threads);
    if (threads[0] * threads[1] * threads[2] > 0) prepared->run(*buffer);
  });
}

}  // namespace software_metal

namespace MTL {

using software_metal::as;
using software_metal::ComputeEncoder;
using software_metal::kMaxBindings;
using software_metal::misuse;

static ComputeEncoder& in_use(ComputeCommandEncoder* encoder) {
  software_metal::encoder_in_use(encoder);
  return *static_cast<ComputeEncoder*>(encoder);
}
static void check_index(NS::UInteger index) {
  if (index >= kMaxBindings) misuse("buffer index %zu", size_t{index});
}

DispatchType ComputeCommandEncoder::dispatchType() const {
  return as<ComputeEncoder>(this)->is_concurrent ? DispatchTypeConcurrent : DispatchTypeSerial;
}
void ComputeCommandEncoder::setComputePipelineState(const ComputePipelineState* state) {
  auto& encoder = in_use(this);
  encoder.pipeline = as<software_metal::Pipeline>(state);
  encoder.command_buffer->hold(state);
}
void ComputeCommandEncoder::setBytes(const void* bytes, NS::UInteger length, NS::UInteger index) {
  constexpr NS::UInteger kLimit = 4096;
  auto& encoder = in_use(this);
  check_index(index);
  if (length > kLimit) misuse("setBytes of %zu bytes: the limit is %zu", size_t{length}, size_t{kLimit});
  encoder.slots[index] = {nullptr, 0, std::make_shared<std::string>(static_cast<const char*>(bytes), length)};
}
void ComputeCommandEncoder::setBuffer(const Buffer* buffer, NS::UInteger offset, NS::UInteger index) {
  auto& encoder = in_use(this);
  check_index(index);
  encoder.slots[index] = {};
  if (!buffer) return;
  auto* bound = as<software_metal::Buffer>(buffer);
  if (offset >= bound->bytes) misuse("buffer %zu: offset %zu of %zu", size_t{index}, size_t{offset}, bound->bytes);
  encoder.slots[index] = {bound, offset, nullptr};
  encoder.command_buffer->hold(buffer);
}
void ComputeCommandEncoder::setBufferOffset(NS::UInteger offset, NS::UInteger index) {
  auto& encoder = in_use(this);
  check_index(index);
  if (!encoder.slots[index].buffer) misuse("setBufferOffset without a buffer at %zu", size_t{index});
  encoder.slots[index].offset = offset;
}
void ComputeCommandEncoder::setBuffers(const Buffer* const buffers[], const NS::UInteger offsets[], NS::Range range) {
  for (NS::UInteger i = 0; i < range.length; i++) setBuffer(buffers[i], offsets[i], range.location + i);
}
void ComputeCommandEncoder::setThreadgroupMemoryLength(NS::UInteger length, NS::UInteger index) {
  constexpr NS::UInteger kLimit = 32768;
  auto& encoder = in_use(this);
  check_index(index);
  if (length % 16) misuse("threadgroup memory length %zu is not a multiple of 16", size_t{length});
  if (length > kLimit) misuse("threadgroup memory length %zu: the limit is %zu", size_t{length}, size_t{kLimit});
  encoder.threadgroup_bytes[index] = static_cast<uint32_t>(length);
}
void ComputeCommandEncoder::dispatchThreadgroups(Size groups, Size threads) {
  in_use(this).dispatch({groups.width * threads.width, groups.height * threads.height, groups.depth * threads.depth},
                        threads);
}
void ComputeCommandEncoder::dispatchThreadgroups(const Buffer* groups, NS::UInteger offset, Size threads) {
  auto& encoder = in_use(this);
  encoder.command_buffer->hold(groups);
  encoder.dispatch_indirect(as<software_metal::Buffer>(groups), offset, threads);
}
void ComputeCommandEncoder::dispatchThreads(Size grid, Size threads) { in_use(this).dispatch(grid, threads); }
void ComputeCommandEncoder::updateFence(const Fence* fence) {
  auto& encoder = in_use(this);
  auto& passes = as<software_metal::Fence>(fence)->passes;
  passes = encoder.before;
  passes.push_back(encoder.pass);
  as<software_metal::Fence>(fence)->is_updated = true;
}
void ComputeCommandEncoder::waitForFence(const Fence* fence) {
  auto& encoder = in_use(this);
  if (!as<software_metal::Fence>(fence)->is_updated) misuse("waitForFence before any updateFence");
  for (const auto& pass : as<software_metal::Fence>(fence)->passes)
    if (!pass->is_done) encoder.before.push_back(pass);
}
void ComputeCommandEncoder::useResource(const Resource* resource, ResourceUsage) {
  in_use(this).command_buffer->hold(resource);
}
void ComputeCommandEncoder::memoryBarrier(BarrierScope) {
  auto& encoder = in_use(this);
  encoder.uses.clear();
  encoder.is_after_barrier = true;
}
void ComputeCommandEncoder::memoryBarrier(const Resource* const resources[], NS::UInteger count) {
  auto& uses = in_use(this).uses;
  for (NS::UInteger i = 0; i < count; i++)
    std::erase_if(uses, [&](const software_metal::Use& use) { return use.buffer == resources[i]; });
  in_use(this).is_after_barrier = true;
}

}  // namespace MTL
