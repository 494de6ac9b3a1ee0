// Instance data and the cleanup hook that makes worker.terminate() and process.exit() safe in the middle of work.
#include "environment.hpp"

#include <vector>

#include "device.hpp"

namespace wavetile::binding {

void Environment::install(Napi::Env env) {
  using Held = std::shared_ptr<Environment>;
  auto held = std::make_unique<Held>(std::make_shared<Environment>(env));
  // Hooks run last in, first out: the thread-safe function, made before, is still there during ours.
  const napi_status status = napi_add_env_cleanup_hook(env, close, held->get());
  NAPI_THROW_IF_FAILED_VOID(env, status);
  env.SetInstanceData<Held>(held.release());
}

const std::shared_ptr<Environment>& Environment::of(Napi::Env env) {
  return *env.GetInstanceData<std::shared_ptr<Environment>>();
}

void Environment::close(void* environment) {
  auto& self = *static_cast<Environment*>(environment);
  const std::vector<OpenDevice*> devices(self.devices.begin(), self.devices.end());
  for (OpenDevice* device : devices) device->close();
  self.loads.stop();
  self.tasks.stop();
  self.completions.close();
}

}  // namespace wavetile::binding
