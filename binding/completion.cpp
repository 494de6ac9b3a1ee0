// Settling promises on the JS thread.
#include "completion.hpp"

#include <utility>

#include "errors.hpp"

namespace wavetile::binding {

bool Pending::settle(Napi::Env env) {
  try {
    if (!error && !advance(env)) return false;
    if (!error) deferred_.Resolve(result(env));
  } catch (...) {
    error = std::current_exception();
  }
  if (error) deferred_.Reject(to_js(env, error));
  return true;
}

Completions::Completions(Napi::Env env) : env_(env) {
  const napi_value name = Napi::String::New(env, "wavetile");
  const napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, on_wake, &wake_);
  NAPI_THROW_IF_FAILED_VOID(env, status);
  napi_unref_threadsafe_function(env, wake_);
  set_immediate_ = Napi::Persistent(env.Global().Get("setImmediate").As<Napi::Function>());
  on_immediate_ = Napi::Persistent(
      Napi::Function::New(env, [this](const Napi::CallbackInfo& info) { deliver_unfinished(info.Env()); }));
}

Napi::Promise Completions::begin(Pending& pending) {
  add_pending(1);
  return pending.promise();
}

void Completions::finish(Pending* pending) {
  const std::lock_guard lock(mutex_);
  const bool first = finished_.empty();
  finished_.push_back(pending);
  if (first && !closed_) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

void Completions::on_wake(napi_env env, napi_value, void* context, void*) {
  if (!env) return;  // the environment is ending
  try {
    static_cast<Completions*>(context)->deliver(env);
  } catch (...) {
    // As below; what is left is dropped by close.
  }
}

void Completions::deliver(Napi::Env env) {
  std::vector<Pending*> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  settle(env, finished);
}

void Completions::deliver_unfinished(Napi::Env env) { settle(env, std::exchange(unfinished_, {})); }

void Completions::settle(Napi::Env env, const std::vector<Pending*>& pending) {
  const bool was_scheduled = !unfinished_.empty();
  for (Pending* one : pending) {
    const Napi::HandleScope scope(env);
    if (!settle(env, one)) unfinished_.push_back(one);
  }
  if (was_scheduled || unfinished_.empty()) return;
  // Not through the thread-safe function, which would go on in this same turn.
  const Napi::HandleScope scope(env);
  set_immediate_.Call({on_immediate_.Value()});
}

bool Completions::settle(Napi::Env env, Pending* pending) {
  try {
    if (!pending->settle(env)) return false;
  } catch (...) {
    // JavaScript is refused only where the environment is being terminated: nobody is left to tell.
  }
  delete pending;
  add_pending(-1);
  return true;
}

void Completions::add_pending(int change) {
  const bool was_idle = pending_ == 0;
  pending_ += change;
  if (was_idle) napi_ref_threadsafe_function(env_, wake_);
  if (pending_ == 0) napi_unref_threadsafe_function(env_, wake_);
}

void Completions::close() {
  std::vector<Pending*> abandoned;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    abandoned.swap(finished_);
  }
  abandoned.insert(abandoned.end(), unfinished_.begin(), unfinished_.end());
  unfinished_.clear();
  for (Pending* pending : abandoned) delete pending;
  set_immediate_.Reset();
  on_immediate_.Reset();
}

}  // namespace wavetile::binding
