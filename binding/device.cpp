// list, diagnose, open, close, info and memory of devices.
#include "device.hpp"

#include <algorithm>
#include <utility>

#include "errors.hpp"
#include "task.hpp"
#include "values.hpp"

namespace wavetile::binding {

const napi_type_tag DeviceHandle::tag = {0x8d5c6f0b1e2a4c11, 0x9b7e3d2f5a6c8e01};

OpenDevice::OpenDevice(std::shared_ptr<Environment> owner, std::shared_ptr<Device> opened)
    : environment(std::move(owner)), device(std::move(opened)), stream(std::make_shared<Stream>(device)) {
  environment->devices.insert(this);
}

OpenDevice::~OpenDevice() { close(); }

void OpenDevice::close() {
  if (!stream) return;
  environment->devices.erase(this);
  environment->tasks.post([stream = std::exchange(stream, nullptr), device = std::exchange(device, nullptr)]() mutable {
    stream.reset();  // waits for the work in flight
    device.reset();
  });
}

OpenDevice& read_device(const Napi::Value& value) {
  OpenDevice& open = *unwrap<DeviceHandle>(value).open;
  if (!open.stream) throw Error(ErrorCode::disposed, "the device was disposed of");
  return open;
}

namespace {

std::vector<Backend> backends_named(const Napi::Value& name) {
  std::vector<Backend> found = backends();
  if (name.IsUndefined()) return found;
  const std::string wanted = read_string(name, "backend");
  std::erase_if(found, [&](const Backend& backend) { return backend.name != wanted; });
  return found;
}

std::vector<DeviceInfo> list_all(const std::vector<Backend>& from) {
  std::vector<DeviceInfo> all;
  for (const Backend& backend : from) {
    for (DeviceInfo& info : backend.list()) all.push_back(std::move(info));
  }
  return all;
}

Napi::Value to_array(Napi::Env env, const std::vector<DeviceInfo>& infos) {
  Napi::Array array = Napi::Array::New(env, infos.size());
  for (uint32_t i = 0; i < infos.size(); ++i) array.Set(i, to_js(env, infos[i]));
  return array;
}

// list(backend?): DeviceInfo[]
Napi::Value list(const Napi::CallbackInfo& info) { return to_array(info.Env(), list_all(backends_named(info[0]))); }

// listAsync(backend?): Promise<DeviceInfo[]>. The first look at Vulkan takes a while.
Napi::Value list_async(const Napi::CallbackInfo& info) {
  auto work = [from = backends_named(info[0])] { return list_all(from); };
  return Task<std::vector<DeviceInfo>>::start(info.Env(), work, to_array);
}

// diagnose(): { backend, lines }[]
Napi::Value diagnose(const Napi::CallbackInfo& info) {
  Napi::Array diagnoses = Napi::Array::New(info.Env());
  for (const Backend& backend : backends()) {
    Napi::Object diagnosis = Napi::Object::New(info.Env());
    diagnosis.Set("backend", backend.name);
    diagnosis.Set("lines", strings(info.Env(), backend.diagnose()));
    diagnoses.Set(diagnoses.Length(), diagnosis);
  }
  return diagnoses;
}

OpenOptions read_options(const Napi::Object& from) {
  OpenOptions options;
  options.memory_limit_bytes = read_integer(from.Get("memoryLimitBytes"), "memoryLimitBytes");
  options.max_binding_bytes = read_integer(from.Get("maxBindingBytes"), "maxBindingBytes");
  options.threads = read_uint32(from.Get("threads"), "threads");
  options.validation = from.Get("validation").ToBoolean();
  options.cache_folder = read_string(from.Get("cacheFolder"), "cacheFolder");
  return options;
}

Napi::Value to_handle(Napi::Env env, std::shared_ptr<Device>& device) {
  auto handle = std::make_unique<DeviceHandle>(std::make_shared<OpenDevice>(Environment::of(env), std::move(device)));
  Napi::Object result = Napi::Object::New(env);
  result.Set("info", to_js(env, handle->open->device->info()));
  result.Set("device", wrap(env, std::move(handle)));
  return result;
}

// open(backend, index, options): Promise<{ device, info }>
Napi::Value open(const Napi::CallbackInfo& info) {
  const std::vector<Backend> found = backends_named(info[0]);
  if (found.size() != 1) throw Error(ErrorCode::no_device, "this build has no such backend");
  const uint32_t index = read_uint32(info[1], "index");
  const OpenOptions options = read_options(read_object(info[2], "options"));
  auto work = [backend = found[0], index, options] { return backend.open(index, options); };
  return Task<std::shared_ptr<Device>>::start(info.Env(), work, to_handle);
}

// close(device)
Napi::Value close(const Napi::CallbackInfo& info) {
  unwrap<DeviceHandle>(info[0]).open->close();
  return info.Env().Undefined();
}

// memory(device): MemoryInfo
Napi::Value memory(const Napi::CallbackInfo& info) { return to_js(info.Env(), read_device(info[0]).device->memory()); }

// releasePools(device)
Napi::Value release_pools(const Napi::CallbackInfo& info) {
  read_device(info[0]).device->release_pools();
  return info.Env().Undefined();
}

// takeMessages(device): what the validation layer said since the last call
Napi::Value take_messages(const Napi::CallbackInfo& info) {
  return strings(info.Env(), read_device(info[0]).device->take_validation_messages());
}

}  // namespace

void export_devices(Napi::Env env, Napi::Object exports) {
  exports.Set("list", Napi::Function::New<guarded<list>>(env, "list"));
  exports.Set("listAsync", Napi::Function::New<guarded<list_async>>(env, "listAsync"));
  exports.Set("diagnose", Napi::Function::New<guarded<diagnose>>(env, "diagnose"));
  exports.Set("open", Napi::Function::New<guarded<open>>(env, "open"));
  exports.Set("close", Napi::Function::New<guarded<close>>(env, "close"));
  exports.Set("memory", Napi::Function::New<guarded<memory>>(env, "memory"));
  exports.Set("releasePools", Napi::Function::New<guarded<release_pools>>(env, "releasePools"));
  exports.Set("takeMessages", Napi::Function::New<guarded<take_messages>>(env, "takeMessages"));
}

}  // namespace wavetile::binding
