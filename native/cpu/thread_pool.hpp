// A parallel-for for chains of short loops: workers spin between the loops of a chain and sleep after it.
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace wavetile::cpu {

class ThreadPool {
 public:
  explicit ThreadPool(uint32_t threads);  // with the caller's
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // body(begin, end) until [0, count) is covered, on any threads. One caller at a time. Rethrows what a body threw.
  template <class Body>
  void parallel_for(uint32_t count, const Body& body) {
    run(count, {&body, [](const void* context, uint32_t begin, uint32_t end) {
                  (*static_cast<const Body*>(context))(begin, end);
                }});
  }

  uint32_t threads() const { return static_cast<uint32_t>(workers_.size()) + 1; }

 private:
  struct Task {
    const void* body;
    void (*call)(const void* body, uint32_t begin, uint32_t end);
  };
  struct Range {
    uint32_t begin, end;
  };

  void run(uint32_t count, Task task);
  void lead();  // the caller's share, which also decides whether sleeping workers are worth waking
  void follow();
  void work();  // a worker's life
  bool wait_for_job(uint32_t seen);
  Range take(uint32_t at_most);
  bool run_range(Range range);
  void stop_joining();

  // Workers join while the open bit is set; the other bits count those inside.
  static constexpr uint32_t kOpen = 1u << 31;

  alignas(64) std::atomic<uint32_t> epoch_ = 0;  // grows with each job
  std::atomic<uint32_t> sleeping_ = 0;
  alignas(64) std::atomic<uint32_t> joined_ = 0;
  alignas(64) std::atomic<uint64_t> next_ = 0;
  Task task_{};  // this and `count_` stay as they are while a job is open or anyone is inside
  uint32_t count_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex error_mutex_;
  std::exception_ptr error_;
  std::vector<std::thread> workers_;
};

}  // namespace wavetile::cpu
