// Reading JavaScript values. TypeScript has checked them; these assert, so that garbage is a TypeError and no crash.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "device/device.hpp"
#include "node.hpp"

namespace wavetile::binding {

uint64_t read_integer(const Napi::Value& value, const char* name);  // 0 … 2^53
uint32_t read_uint32(const Napi::Value& value, const char* name);
std::string read_string(const Napi::Value& value, const char* name);
Napi::Array read_array(const Napi::Value& value, const char* name);
Napi::Object read_object(const Napi::Value& value, const char* name);

struct ArrayView {
  napi_typedarray_type type;
  uint64_t bytes;
  std::byte* data;
};
uint32_t element_bytes(napi_typedarray_type type);
ArrayView read_typed_array(const Napi::Value& value, const char* name);

Napi::Array strings(Napi::Env env, const std::vector<std::string>& list);
Napi::Object to_js(Napi::Env env, const DeviceInfo& info);
Napi::Object to_js(Napi::Env env, const MemoryInfo& info);

}  // namespace wavetile::binding
