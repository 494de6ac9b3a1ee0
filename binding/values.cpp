// Conversions between JavaScript values and the structures of native/device.
#include "values.hpp"

namespace wavetile::binding {
namespace {

[[noreturn]] void wrong_type(const Napi::Value& value, const char* name, const char* expected) {
  throw Napi::TypeError::New(value.Env(), std::string(name) + " must be " + expected);
}

double number(uint64_t value) { return static_cast<double>(value); }

}  // namespace

uint64_t read_integer(const Napi::Value& value, const char* name) {
  constexpr double limit = 9007199254740992.0;
  if (value.IsNumber()) {
    const double got = value.As<Napi::Number>().DoubleValue();
    if (got >= 0 && got <= limit && got == static_cast<double>(static_cast<uint64_t>(got))) {
      return static_cast<uint64_t>(got);
    }
  }
  wrong_type(value, name, "an integer from 0");
}

uint32_t read_uint32(const Napi::Value& value, const char* name) {
  const uint64_t got = read_integer(value, name);
  if (got > UINT32_MAX) wrong_type(value, name, "an integer below 2^32");
  return static_cast<uint32_t>(got);
}

std::string read_string(const Napi::Value& value, const char* name) {
  if (!value.IsString()) wrong_type(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Array read_array(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) wrong_type(value, name, "an array");
  return value.As<Napi::Array>();
}

Napi::Object read_object(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) wrong_type(value, name, "an object");
  return value.As<Napi::Object>();
}

uint32_t element_bytes(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    default:
      return 8;
  }
}

ArrayView read_typed_array(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray()) wrong_type(value, name, "a typed array");
  napi_typedarray_type type;
  size_t length;
  void* data;
  const napi_status status = napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr);
  NAPI_THROW_IF_FAILED(value.Env(), status, ArrayView{});
  return {type, uint64_t{length} * element_bytes(type), static_cast<std::byte*>(data)};
}

Napi::Array strings(Napi::Env env, const std::vector<std::string>& list) {
  Napi::Array array = Napi::Array::New(env, list.size());
  for (uint32_t i = 0; i < list.size(); ++i) array.Set(i, list[i]);
  return array;
}

Napi::Object to_js(Napi::Env env, const DeviceInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("backend", info.backend);
  object.Set("index", info.index);
  object.Set("kind", info.kind);
  object.Set("name", info.name);
  object.Set("vendor", info.vendor);
  object.Set("driver", info.driver);
  object.Set("apiVersion", info.api_version);
  object.Set("features", strings(env, info.features));
  object.Set("matrixUnits", strings(env, info.matrix_units));
  object.Set("subgroupSize", info.subgroup_size);
  object.Set("minSubgroupSize", info.min_subgroup_size);
  object.Set("maxSubgroupSize", info.max_subgroup_size);
  object.Set("computeThreads", info.compute_threads);
  object.Set("memoryBytes", number(info.memory_bytes));
  object.Set("maxBindingBytes", number(info.max_binding_bytes));
  object.Set("maxBufferBytes", number(info.max_buffer_bytes));
  object.Set("bindingAlignment", number(info.binding_alignment));
  Napi::Array grid = Napi::Array::New(env, info.max_grid.size());
  for (uint32_t axis = 0; axis < info.max_grid.size(); ++axis) grid.Set(axis, info.max_grid[axis]);
  object.Set("maxGrid", grid);
  object.Set("maxWorkgroupInvocations", info.max_workgroup_invocations);
  object.Set("maxSharedBytes", info.max_shared_bytes);
  object.Set("timestamps", info.timestamps);
  object.Set("unifiedMemory", info.unified_memory);
  return object;
}

Napi::Object to_js(Napi::Env env, const MemoryInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("liveBytes", number(info.live_bytes));
  object.Set("pooledBytes", number(info.pooled_bytes));
  object.Set("peakBytes", number(info.peak_bytes));
  object.Set("allocations", number(info.allocations));
  object.Set("freeBytes", number(info.free_bytes));
  return object;
}

}  // namespace wavetile::binding
