// Waiting a few microseconds for another thread without going to sleep.
#pragma once
#include <chrono>
#include <thread>

namespace wavetile::cpu {

inline void pause_thread() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Until ready() or the time is over; true: ready. Gives the core away now and then, for it may be what ready() waits
// for.
template <class Ready>
bool spin_until(std::chrono::microseconds time, const Ready& ready) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    for (int i = 0; i < 64; ++i) {
      if (ready()) return true;
      pause_thread();
    }
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::yield();
  }
}

}  // namespace wavetile::cpu
