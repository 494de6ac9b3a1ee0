// Native things as JavaScript sees them: tagged externals, so that a wrong or forged one is a TypeError and no crash.
#pragma once
#include <memory>
#include <string>
#include <utility>

#include "node.hpp"

namespace wavetile::binding {

// T has `static const napi_type_tag tag` and `static constexpr const char* noun`.
template <class T>
Napi::Value wrap(Napi::Env env, std::unique_ptr<T> value) {
  auto external = Napi::External<T>::New(env, value.get(), [](Napi::Env, T* dropped) { delete dropped; });
  value.release();
  external.TypeTag(&T::tag);
  return external;
}

template <class T>
T& unwrap(const Napi::Value& value) {
  if (value.IsExternal()) {
    auto external = value.As<Napi::External<T>>();
    if (external.CheckTypeTag(&T::tag)) return *external.Data();
  }
  throw Napi::TypeError::New(value.Env(), std::string("not a native ") + T::noun);
}

}  // namespace wavetile::binding
