// Work on the task thread whose outcome settles a promise.
#pragma once
#include <functional>
#include <optional>
#include <utility>

#include "environment.hpp"

namespace wavetile::binding {

template <class Result>
class Task : public Pending {
 public:
  using Work = std::function<Result()>;
  using Convert = std::function<Napi::Value(Napi::Env, Result&)>;

  // `work` runs on the task thread, `convert` on the JS thread.
  static Napi::Value start(Napi::Env env, Work work, Convert convert) {
    const std::shared_ptr<Environment>& environment = Environment::of(env);
    auto* task = new Task(env, std::move(work), std::move(convert));
    const Napi::Promise promise = environment->completions.begin(*task);
    environment->tasks.post([task, completions = &environment->completions] {
      task->run();
      completions->finish(task);
    });
    return promise;
  }

 private:
  Task(Napi::Env env, Work work, Convert convert)
      : Pending(env), work_(std::move(work)), convert_(std::move(convert)) {}

  void run() {
    try {
      result_.emplace(work_());
    } catch (...) {
      error = std::current_exception();
    }
    work_ = nullptr;  // what it holds may take long to drop: not on the JS thread
  }

  Napi::Value result(Napi::Env env) override { return convert_(env, *result_); }

  Work work_;
  Convert convert_;
  std::optional<Result> result_;
};

}  // namespace wavetile::binding
