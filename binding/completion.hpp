// The way from native threads back to JavaScript: one thread-safe function per environment and a queue of ours,
// so that a burst of completions wakes the event loop once.
#pragma once
#include <exception>
#include <mutex>
#include <vector>

#include "node.hpp"

namespace wavetile::binding {

// A promise that native work will settle.
class Pending {
 public:
  explicit Pending(Napi::Env env) : deferred_(Napi::Promise::Deferred::New(env)) {}
  virtual ~Pending() = default;
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  Napi::Promise promise() const { return deferred_.Promise(); }
  // On the JS thread; false when it has more to do in a later turn of the event loop.
  bool settle(Napi::Env env);

  std::exception_ptr error;  // set before it is handed to Completions::finish

 protected:
  virtual bool advance(Napi::Env) { return true; }
  virtual Napi::Value result(Napi::Env env) = 0;

 private:
  Napi::Promise::Deferred deferred_;
};

class Completions {
 public:
  explicit Completions(Napi::Env env);
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  // JS thread. While a promise is pending the process stays alive.
  Napi::Promise begin(Pending& pending);
  // Any thread, once for each begin. Owns `pending` from here.
  void finish(Pending* pending);

  // JS thread, when the environment ends and nothing native is left running: no callback after it.
  void close();

 private:
  static void on_wake(napi_env env, napi_value, void* context, void*);
  void deliver(Napi::Env env);
  void deliver_unfinished(Napi::Env env);
  void settle(Napi::Env env, const std::vector<Pending*>& pending);
  bool settle(Napi::Env env, Pending* pending);
  void add_pending(int change);

  const napi_env env_;
  napi_threadsafe_function wake_ = nullptr;
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<Pending*> finished_;
  // Only on the JS thread:
  std::vector<Pending*> unfinished_;  // go on after the event loop had its turn
  Napi::FunctionReference set_immediate_, on_immediate_;
  int pending_ = 0;
};

}  // namespace wavetile::binding
