// Submission, and the thread that waits.
#include "vulkan/queue.hpp"

#include <chrono>
#include <utility>

#include "device/error.hpp"
#include "vulkan/memory.hpp"

namespace wavetile::vulkan {
namespace {

// A wake-up by the operating system costs as much as a search: short runs are met awake where cores are many.
constexpr auto kSpin = std::chrono::microseconds(300);
constexpr auto kShortSpin = std::chrono::microseconds(20);
constexpr unsigned kManyCores = 4;
// So that a device lost elsewhere is noticed.
constexpr uint64_t kWaitNs = 100'000'000;

}  // namespace

std::shared_ptr<Queue> Queue::start(std::shared_ptr<Context> context) {
  auto queue = std::make_shared<Queue>(std::move(context));
  queue->thread_ = std::thread([queue] { queue->work(); });
  return queue;
}

Queue::Queue(std::shared_ptr<Context> context) : context_(std::move(context)) {
  auto type = structure<VkSemaphoreTypeCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  auto info = structure<VkSemaphoreCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO);
  info.pNext = &type;
  context_->check(context_->vk.vkCreateSemaphore(context_->vk_device, &info, nullptr, &vk_semaphore_),
                  "creating a semaphore");
}

Queue::~Queue() { context_->vk.vkDestroySemaphore(context_->vk_device, vk_semaphore_, nullptr); }

void Queue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

VulkanProgram* Queue::program_of(const Flight& flight) const {
  return static_cast<VulkanProgram*>(flight.request.program.get());
}

void Queue::submit(RunRequest request, std::vector<std::shared_ptr<HostBlock>> readbacks, Completion done) {
  auto flight = std::make_unique<Flight>();
  flight->request = std::move(request);
  flight->readbacks = std::move(readbacks);
  flight->done = std::move(done);
  try {
    record(*flight);
    const std::lock_guard submitting(submit_mutex_);
    launch(*flight);
    const std::lock_guard lock(mutex_);
    flights_.push_back(std::move(flight));
    changed_.notify_all();
  } catch (...) {
    recycle(*flight);
    throw;
  }
}

void Queue::record(Flight& flight) {
  {
    const std::lock_guard lock(mutex_);
    if (!free_transfers_.empty()) {
      flight.transfers = std::move(free_transfers_.back());
      free_transfers_.pop_back();
    }
  }
  if (!flight.transfers) flight.transfers = std::make_unique<Transfers>(context_);
  flight.transfers->record_uploads(flight.request.uploads);
  if (flight.request.timed && flight.request.program) flight.timed = program_of(flight)->take_timed();
  flight.transfers->record_readbacks(flight.request.readbacks, flight.readbacks);
}

void Queue::launch(Flight& flight) {
  VkCommandBufferSubmitInfo buffers[3];
  uint32_t count = 0;
  const auto add = [&](VkCommandBuffer vk_commands) {
    if (!vk_commands) return;
    buffers[count] = structure<VkCommandBufferSubmitInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO);
    buffers[count++].commandBuffer = vk_commands;
  };
  add(flight.transfers->before());
  if (flight.timed) {
    add(flight.timed->vk_commands);
  } else if (flight.request.program) {
    add(program_of(flight)->vk_commands);
  }
  add(flight.transfers->after());

  auto signal = structure<VkSemaphoreSubmitInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO);
  signal.semaphore = vk_semaphore_;
  signal.value = flight.value = last_value_ + 1;
  signal.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT;
  auto info = structure<VkSubmitInfo2>(VK_STRUCTURE_TYPE_SUBMIT_INFO_2);
  info.commandBufferInfoCount = count;
  info.pCommandBufferInfos = buffers;
  info.signalSemaphoreInfoCount = 1;
  info.pSignalSemaphoreInfos = &signal;
  context_->check(context_->vk.vkQueueSubmit2(context_->vk_queue, 1, &info, VK_NULL_HANDLE), "submitting a run");
  last_value_ = flight.value;
}

// For a flight that is not, or no longer, executing.
void Queue::recycle(Flight& flight) {
  if (flight.timed) program_of(flight)->give_back(std::exchange(flight.timed, nullptr));
  if (!flight.transfers) return;
  try {
    flight.transfers->reset();
  } catch (const std::exception&) {
    flight.transfers.reset();  // out of memory or lost: the next run makes new ones, or reports it
    return;
  }
  const std::lock_guard lock(mutex_);
  free_transfers_.push_back(std::move(flight.transfers));
}

void Queue::work() {
  while (std::unique_ptr<Flight> flight = next()) {
    std::exception_ptr error = wait_for(flight->value);
    complete(std::move(flight), std::move(error));
  }
}

std::unique_ptr<Queue::Flight> Queue::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_ || !flights_.empty(); });
  if (flights_.empty()) return nullptr;
  std::unique_ptr<Flight> flight = std::move(flights_.front());
  flights_.pop_front();
  return flight;
}

std::exception_ptr Queue::wait_for(uint64_t value) {
  auto info = structure<VkSemaphoreWaitInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO);
  info.semaphoreCount = 1;
  info.pSemaphores = &vk_semaphore_;
  info.pValues = &value;
  try {
    context_->throw_if_lost();
    if (spin_for(value)) return nullptr;
    while (true) {
      const VkResult result = context_->vk.vkWaitSemaphores(context_->vk_device, &info, kWaitNs);
      context_->check(result, "waiting for a run");
      if (result == VK_SUCCESS) return nullptr;
    }
  } catch (...) {
    context_->lost = true;  // what still executes can no longer be known
    return std::current_exception();
  }
}

bool Queue::reached(uint64_t value) {
  uint64_t now = 0;
  context_->check(context_->vk.vkGetSemaphoreCounterValue(context_->vk_device, vk_semaphore_, &now),
                  "asking for a run's state");
  return now >= value;
}

bool Queue::spin_for(uint64_t value) {
  if (context_->physical.info.kind == "software") return false;  // it needs the processor for the run itself
  static const auto spin = std::thread::hardware_concurrency() >= kManyCores ? kSpin : kShortSpin;
  const auto end = std::chrono::steady_clock::now() + spin;
  do {
    if (reached(value)) return true;
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

void Queue::complete(std::unique_ptr<Flight> flight, std::exception_ptr error) {
  RunResult result;
  try {
    if (error) std::rethrow_exception(error);
    result = result_of(*flight);
  } catch (...) {
    result = {};
    result.error = std::current_exception();
  }
  recycle(*flight);
  Completion done = std::move(flight->done);
  flight.reset();  // memory goes back to the pool before the caller hears of it
  done(std::move(result));
}

RunResult Queue::result_of(Flight& flight) {
  RunResult result;
  for (const auto& block : flight.readbacks) {
    vmaInvalidateAllocation(context_->vma, own(*context_, *block).allocation, 0, block->bytes);
  }
  if (flight.timed) result.times = program_of(flight)->read_times(*flight.timed);
  result.readbacks = std::move(flight.readbacks);
  return result;
}

}  // namespace wavetile::vulkan
