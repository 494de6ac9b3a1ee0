// Command queues: a thread each, which runs committed command buffers in order.
#include "commands.hpp"
#include "resources.hpp"

namespace software_metal {
namespace {

constexpr size_t kMostResidencySets = 32;

NS::SharedPtr<MTL::CommandBuffer> take_next(Backlog& backlog) {
  std::unique_lock lock(backlog.mutex);
  backlog.changed.wait(lock, [&] { return backlog.is_closed || !backlog.buffers.empty(); });
  if (backlog.buffers.empty()) return nullptr;
  auto buffer = std::move(backlog.buffers.front());
  backlog.buffers.pop_front();
  return buffer;
}

void serve(std::shared_ptr<Backlog> backlog) {
  while (auto buffer = take_next(*backlog)) {
    NS::AutoreleasePool* pool = NS::AutoreleasePool::alloc()->init();
    {
      std::lock_guard lock(backlog->mutex);
      backlog->uncompleted--;
    }
    static_cast<CommandBuffer*>(buffer.get())->run();
    buffer.reset();
    pool->release();
    note_finished();
  }
}

MTL::CommandBuffer* make_command_buffer(Queue* queue, bool retains) {
  {
    std::lock_guard lock(queue->backlog->mutex);
    if (++queue->backlog->uncompleted > queue->max_buffers)
      misuse("more than %d uncompleted command buffers: Metal blocks here", queue->max_buffers);
  }
  auto* buffer = new CommandBuffer;
  buffer->queue = NS::RetainPtr(queue);
  buffer->retains = retains;
  return autoreleased<MTL::CommandBuffer>(buffer);
}

}  // namespace

Queue::Queue(int max_buffers) : max_buffers(max_buffers), thread_(serve, backlog) {}

Queue::~Queue() {
  {
    std::lock_guard lock(backlog->mutex);
    backlog->is_closed = true;
  }
  backlog->changed.notify_all();
  // The last command buffer may have held the queue, and dies on the queue's thread.
  if (thread_.get_id() == std::this_thread::get_id())
    thread_.detach();
  else
    thread_.join();
}

}  // namespace software_metal

SOFTWARE_METAL_LABEL(CommandQueue, Queue)

namespace MTL {

void CommandQueue::addResidencySet(const ResidencySet* set) {
  auto* added = software_metal::as<software_metal::ResidencySet>(set);
  auto& sets = software_metal::as<software_metal::Queue>(this)->residency_sets;
  if (sets.size() == software_metal::kMostResidencySets) software_metal::misuse("a queue takes 32 residency sets");
  sets.push_back(NS::RetainPtr<ResidencySet>(added));
}
CommandBuffer* CommandQueue::commandBuffer() {
  return software_metal::make_command_buffer(software_metal::as<software_metal::Queue>(this), true);
}
CommandBuffer* CommandQueue::commandBufferWithUnretainedReferences() {
  return software_metal::make_command_buffer(software_metal::as<software_metal::Queue>(this), false);
}

}  // namespace MTL
