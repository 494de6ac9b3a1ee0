// What was read back, as typed arrays.
#pragma once
#include <memory>
#include <vector>

#include "device.hpp"

namespace wavetile::binding {

struct Output {
  napi_typedarray_type type;
  uint64_t bytes;
  Napi::ObjectReference given;  // the caller's array to fill, or empty
  uint64_t copied = 0;          // bytes that are already in it
};

Output read_output(const Napi::Value& type, const Napi::Value& given, uint64_t bytes);

// Fills the caller's arrays, a few megabytes at a time; false when there is more to do in a later turn.
bool copy_to_given(Napi::Env env, std::vector<Output>& outputs, const std::vector<std::shared_ptr<HostBlock>>& blocks);

// Small results are copied; large ones are typed arrays over the pooled block, which goes back when they are collected.
Napi::Array to_arrays(Napi::Env env, const std::shared_ptr<OpenDevice>& open, std::vector<Output>& outputs,
                      std::vector<std::shared_ptr<HostBlock>>& blocks);

}  // namespace wavetile::binding
