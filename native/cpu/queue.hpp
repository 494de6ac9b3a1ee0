// The thread that does a CPU device's runs, one after the other, with the thread pool's help.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "cpu/memory.hpp"
#include "cpu/thread_pool.hpp"

namespace wavetile::cpu {

class Queue {
 public:
  Queue(std::shared_ptr<MemoryPool> memory, uint32_t threads);
  ~Queue();  // after everything asked for is done; at once when called by one of its own completions

  void push(RunRequest request, Completion done);

 private:
  struct Job {
    RunRequest request;
    Completion done;
  };
  // Outlives the queue when the queue ends within a completion.
  struct State {
    State(std::shared_ptr<MemoryPool> memory, uint32_t threads) : memory(std::move(memory)), threads(threads) {}

    bool next(Job& job);
    RunResult run(ThreadPool& pool, const RunRequest& request) const;
    void serve();

    const std::shared_ptr<MemoryPool> memory;
    const uint32_t threads;
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<Job> jobs;
    std::atomic<uint32_t> waiting = 0;  // jobs.size() to look at without the lock
    bool stopping = false;
  };

  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace wavetile::cpu
