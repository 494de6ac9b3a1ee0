// Submits runs in order and completes them in order, on a thread that waits for the device's timeline semaphore.
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "vulkan/program.hpp"
#include "vulkan/transfers.hpp"

namespace wavetile::vulkan {

// The thread holds a reference of its own, so a device may be dropped within a completion.
class Queue : public std::enable_shared_from_this<Queue> {
 public:
  static std::shared_ptr<Queue> start(std::shared_ptr<Context> context);
  explicit Queue(std::shared_ptr<Context> context);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // `readbacks` has one block for each of the request's ranges.
  void submit(RunRequest request, std::vector<std::shared_ptr<HostBlock>> readbacks, Completion done);
  void stop();  // returns when every run has completed, or at once when called within a completion

 private:
  // A submitted run and everything that it uses.
  struct Flight {
    RunRequest request;
    std::vector<std::shared_ptr<HostBlock>> readbacks;
    Completion done;
    std::unique_ptr<Transfers> transfers;
    VulkanProgram::Timed* timed = nullptr;
    uint64_t value = 0;  // of the semaphore when it has ended
  };

  VulkanProgram* program_of(const Flight& flight) const;
  void record(Flight& flight);
  void launch(Flight& flight);
  void recycle(Flight& flight);
  void work();
  std::unique_ptr<Flight> next();
  std::exception_ptr wait_for(uint64_t value);
  bool reached(uint64_t value);
  bool spin_for(uint64_t value);
  void complete(std::unique_ptr<Flight> flight, std::exception_ptr error);
  RunResult result_of(Flight& flight);

  const std::shared_ptr<Context> context_;
  VkSemaphore vk_semaphore_ = VK_NULL_HANDLE;
  std::mutex submit_mutex_;  // order of values = order of submissions = order in flights_
  uint64_t last_value_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Flight>> flights_;
  std::vector<std::unique_ptr<Transfers>> free_transfers_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace wavetile::vulkan
