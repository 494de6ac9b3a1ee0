// What one JavaScript environment (the main thread or a worker) owns.
#pragma once
#include <memory>
#include <unordered_set>

#include "completion.hpp"
#include "io/load_pool.hpp"
#include "task_thread.hpp"

namespace wavetile::binding {

struct OpenDevice;

class Environment {
 public:
  static void install(Napi::Env env);
  static const std::shared_ptr<Environment>& of(Napi::Env env);

  explicit Environment(Napi::Env env) : completions(env) {}

  Completions completions;
  TaskThread tasks;
  io::LoadPool loads;
  std::unordered_set<OpenDevice*> devices;

 private:
  static void close(void* environment);  // waits for all native work: afterwards nothing calls into the environment
};

}  // namespace wavetile::binding
