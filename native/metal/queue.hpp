// Encodes runs and completes them, both in the order in which they were asked for.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "metal/flight.hpp"

namespace wavetile::metal {

// What Metal still has to call holds a reference, so a device may be dropped within a completion.
class Queue : public std::enable_shared_from_this<Queue> {
 public:
  Queue(std::shared_ptr<Context> context, std::shared_ptr<Pipelines> pipelines);

  void submit(std::unique_ptr<Flight> flight);
  bool has_ended(uint64_t run) const { return run <= last_ended_; }
  void stop();  // returns when every run has completed, or at once when called within a completion

 private:
  using Lock = std::unique_lock<std::mutex>;

  bool pump(Lock& lock);
  Flight* next_to_encode();
  void commit(Flight& flight, uint32_t part);
  void ended(Flight& flight, uint32_t part, const MTL::CommandBuffer& buffer);
  void complete_finished(Lock& lock);

  const std::shared_ptr<Context> context_;
  const std::shared_ptr<Pipelines> pipelines_;
  const Transfers& transfers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Flight>> flights_;  // in order; those before `to_encode_` are encoded
  size_t to_encode_ = 0;
  uint64_t last_submitted_ = 0;  // runs are numbered from 1 on
  std::atomic<uint64_t> last_ended_ = 0;
  uint32_t under_way_ = 0;  // command buffers
  bool encoding_ = false;   // by one thread at a time
  std::thread::id completing_{};
};

}  // namespace wavetile::metal
