// The addon: context-aware, one Environment for each JavaScript environment that loads it.
#include "device.hpp"
#include "environment.hpp"
#include "file.hpp"

namespace wavetile::binding {
namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  Environment::install(env);
  export_devices(env, exports);
  export_buffers(env, exports);
  export_programs(env, exports);
  export_runs(env, exports);
  export_files(env, exports);
  return exports;
}

}  // namespace
}  // namespace wavetile::binding

NAPI_MODULE_INIT() { return Napi::RegisterModule(env, exports, wavetile::binding::init); }
