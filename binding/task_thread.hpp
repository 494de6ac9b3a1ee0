// One thread for what may take seconds: opening and closing devices, compiling programs. It starts with the first task.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace wavetile::binding {

class TaskThread {
 public:
  TaskThread() = default;
  ~TaskThread() { stop(); }
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  void post(std::function<void()> task);  // a task must not throw; after stop it runs at once
  void stop();                            // runs what was posted, then ends the thread

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace wavetile::binding
