// Ranges are taken from one counter, large ones first, so that threads that start late or run slower do less.
#include "cpu/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "cpu/spin.hpp"

namespace wavetile::cpu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kSpinTime{20};
constexpr std::chrono::microseconds kWorthWaking{30};  // waking a thread takes about as long
constexpr uint32_t kRangesPerThread = 4;               // that are left to take, so the last ones are small

}  // namespace

ThreadPool::ThreadPool(uint32_t threads) {
  workers_.reserve(threads - 1);
  try {
    for (uint32_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // The system has a limit on threads: those that started are enough.
  }
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  ++epoch_;
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(uint32_t count, Task task) {
  if (count == 0) return;
  if (count == 1 || workers_.empty()) return task.call(task.body, 0, count);
  task_ = task;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  joined_.store(kOpen, std::memory_order_release);
  ++epoch_;
  lead();
  stop_joining();
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void ThreadPool::stop_joining() {
  joined_.fetch_and(~kOpen, std::memory_order_acq_rel);
  const auto left = [this] { return joined_.load(std::memory_order_acquire) == 0; };
  while (!spin_until(std::chrono::microseconds(1000), left)) {
  }
}

void ThreadPool::lead() {
  const auto begin = Clock::now();
  while (sleeping_.load() != 0) {
    const Range range = take(1);
    if (range.begin == range.end || !run_range(range)) return;
    const auto rest = (Clock::now() - begin) / range.end * (count_ - range.end);
    if (rest < kWorthWaking) continue;
    epoch_.notify_all();
    break;
  }
  follow();
}

void ThreadPool::follow() {
  for (;;) {
    const Range range = take(UINT32_MAX);
    if (range.begin == range.end || !run_range(range)) return;
  }
}

ThreadPool::Range ThreadPool::take(uint32_t at_most) {
  uint64_t begin = next_.load(std::memory_order_relaxed);
  for (;;) {
    if (begin >= count_) return {count_, count_};
    const uint64_t share = (count_ - begin) / (threads() * kRangesPerThread);
    const uint64_t end = begin + std::clamp<uint64_t>(share, 1, at_most);
    if (next_.compare_exchange_weak(begin, end, std::memory_order_relaxed)) {
      return {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    }
  }
}

bool ThreadPool::run_range(Range range) {
  try {
    task_.call(task_.body, range.begin, range.end);
    return true;
  } catch (...) {
    next_.store(count_, std::memory_order_relaxed);
    const std::lock_guard lock(error_mutex_);
    if (!error_) error_ = std::current_exception();
    return false;
  }
}

bool ThreadPool::wait_for_job(uint32_t seen) {
  const auto changed = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
  if (!spin_until(kSpinTime, changed)) {
    ++sleeping_;
    epoch_.wait(seen);
    --sleeping_;
  }
  return !stopping_;
}

void ThreadPool::work() {
  uint32_t seen = 0;
  while (wait_for_job(seen)) {
    seen = epoch_.load(std::memory_order_acquire);
    uint32_t joined = joined_.load(std::memory_order_acquire);
    while (joined & kOpen) {
      if (!joined_.compare_exchange_weak(joined, joined + 1, std::memory_order_acq_rel)) continue;
      follow();
      joined_.fetch_sub(1, std::memory_order_release);
      break;
    }
  }
}

}  // namespace wavetile::cpu
