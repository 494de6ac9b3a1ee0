// Command buffers: encoding, committing, waiting.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "commands.hpp"
#include "encoders.hpp"
#include "resources.hpp"

namespace software_metal {
namespace {

constexpr uint64_t kEventTimeoutMs = 20'000;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/** SOFTWARE_METAL_FAIL=<code>@<n>[ <text>]: the n-th command buffer of the process, from 0 on, fails so. */
MTL::CommandBufferError injected_error(std::string& text) {
  static std::atomic<int> count{0};
  int code = 0, at = 0, end = 0;
  const char* setting = getenv("SOFTWARE_METAL_FAIL");
  if (!setting || sscanf(setting, "%d@%d%n", &code, &at, &end) != 2 || count++ != at) return {};
  text = setting[end] ? setting + end + 1 : "injected error " + std::to_string(code);
  return static_cast<MTL::CommandBufferError>(code);
}

template <class T>
T* open_encoder(const MTL::CommandBuffer* buffer) {
  auto* command_buffer = as<CommandBuffer>(buffer, "encoder");
  if (command_buffer->open_encoder) misuse("an encoder is still open on this command buffer");
  if (command_buffer->current_status() >= MTL::CommandBufferStatusCommitted)
    misuse("encoding into a committed command buffer");
  auto* encoder = new T;
  encoder->command_buffer = command_buffer;
  command_buffer->open_encoder = encoder;
  command_buffer->held.push_back(NS::RetainPtr<NS::Object>(encoder));
  return autoreleased(encoder);
}

CommandBuffer* between_encoders(const MTL::CommandBuffer* buffer, const char* message) {
  auto* command_buffer = as<CommandBuffer>(buffer, message);
  if (command_buffer->open_encoder) misuse("%s with an encoder open", message);
  return command_buffer;
}

}  // namespace

MTL::CommandBufferStatus CommandBuffer::current_status() {
  std::lock_guard lock(mutex_);
  return status_;
}

void CommandBuffer::set_status(MTL::CommandBufferStatus status) {
  {
    std::lock_guard lock(mutex_);
    status_ = status;
  }
  changed_.notify_all();
}

void CommandBuffer::wait_for(MTL::CommandBufferStatus status) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return status_ >= status; });
}

void CommandBuffer::hold(const NS::Object* object) {
  if (retains && object) held.push_back(NS::RetainPtr(const_cast<NS::Object*>(object)));
}

void CommandBuffer::execute() {
  error_code = injected_error(problems);
  if (error_code != MTL::CommandBufferErrorNone) return;
  for (auto& function : work) function();
  if (!problems.empty()) error_code = MTL::CommandBufferErrorPageFault;
}

void CommandBuffer::run() {
  set_status(MTL::CommandBufferStatusScheduled);
  for (auto& handler : scheduled_handlers) handler(this);
  start_time = seconds_now();
  execute();
  end_time = seconds_now();
  for (auto& pass : passes) pass->is_done = true;
  held.clear();
  work.clear();
  set_status(problems.empty() ? MTL::CommandBufferStatusCompleted : MTL::CommandBufferStatusError);
  for (auto& handler : completed_handlers) handler(this);
  completed_handlers.clear();
}

}  // namespace software_metal

SOFTWARE_METAL_LABEL(CommandBuffer, CommandBuffer)

namespace MTL {

using software_metal::as;
using software_metal::between_encoders;
using software_metal::misuse;
using software_metal::open_encoder;
using Implementation = software_metal::CommandBuffer;

BlitCommandEncoder* CommandBuffer::blitCommandEncoder() { return open_encoder<software_metal::BlitEncoder>(this); }
ComputeCommandEncoder* CommandBuffer::computeCommandEncoder() { return computeCommandEncoder(DispatchTypeSerial); }
ComputeCommandEncoder* CommandBuffer::computeCommandEncoder(DispatchType type) {
  auto* encoder = open_encoder<software_metal::ComputeEncoder>(this);
  as<Implementation>(this)->passes.push_back(encoder->pass);
  encoder->is_concurrent = type == DispatchTypeConcurrent;
  return encoder;
}
void CommandBuffer::pushDebugGroup(const NS::String*) {}
void CommandBuffer::popDebugGroup() {}

void CommandBuffer::encodeWait(const Event* event, uint64_t value) {
  auto* buffer = between_encoders(this, "encodeWait");
  auto held = NS::RetainPtr(as<software_metal::Event>(event));
  buffer->add_work([held, value, buffer] {
    if (!held->wait(value, software_metal::kEventTimeoutMs))
      buffer->problems += "timeout: an event was never signalled\n";
  });
}
void CommandBuffer::encodeSignalEvent(const Event* event, uint64_t value) {
  auto* buffer = between_encoders(this, "encodeSignalEvent");
  buffer->add_work([held = NS::RetainPtr(as<software_metal::Event>(event)), value] { held->signal(value); });
}

void CommandBuffer::addScheduledHandler(const HandlerFunction& function) {
  as<Implementation>(this)->scheduled_handlers.push_back(function);
}
void CommandBuffer::addCompletedHandler(const HandlerFunction& function) {
  if (as<Implementation>(this)->current_status() >= CommandBufferStatusCommitted)
    misuse("addCompletedHandler after commit");
  as<Implementation>(this)->completed_handlers.push_back(function);
}

CommandQueue* CommandBuffer::commandQueue() const { return as<Implementation>(this)->queue.get(); }
CFTimeInterval CommandBuffer::GPUStartTime() const { return as<Implementation>(this)->start_time; }
CFTimeInterval CommandBuffer::GPUEndTime() const { return as<Implementation>(this)->end_time; }
CFTimeInterval CommandBuffer::kernelStartTime() const { return as<Implementation>(this)->start_time; }
CFTimeInterval CommandBuffer::kernelEndTime() const { return as<Implementation>(this)->start_time; }

void CommandBuffer::enqueue() { as<Implementation>(this)->set_status(CommandBufferStatusEnqueued); }
void CommandBuffer::commit() {
  auto* buffer = between_encoders(this, "commit");
  if (buffer->current_status() >= CommandBufferStatusCommitted) misuse("commit twice");
  buffer->set_status(CommandBufferStatusCommitted);
  software_metal::note_committed();
  auto backlog = buffer->queue->backlog;
  {
    std::lock_guard lock(backlog->mutex);
    backlog->buffers.push_back(NS::RetainPtr<CommandBuffer>(buffer));
  }
  backlog->changed.notify_all();
}
void CommandBuffer::waitUntilScheduled() { as<Implementation>(this)->wait_for(CommandBufferStatusScheduled); }
void CommandBuffer::waitUntilCompleted() {
  if (as<Implementation>(this)->current_status() < CommandBufferStatusCommitted)
    misuse("waitUntilCompleted before commit: waits for ever");
  as<Implementation>(this)->wait_for(CommandBufferStatusCompleted);
}
CommandBufferStatus CommandBuffer::status() const { return as<Implementation>(this)->current_status(); }
NS::Error* CommandBuffer::error() const {
  NS::Error* error = nullptr;
  const std::string& problems = as<Implementation>(this)->problems;
  const auto code = static_cast<NS::Integer>(as<Implementation>(this)->error_code);
  if (!problems.empty()) software_metal::set_error(&error, "MTLCommandBufferErrorDomain", code, problems);
  return error;
}

}  // namespace MTL
