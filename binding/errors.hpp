// The only place where C++ exceptions become JavaScript errors.
#pragma once
#include <exception>

#include "node.hpp"

namespace wavetile::binding {

// wavetile::Error has its code and suggestion as properties, std::invalid_argument is a RangeError.
Napi::Value to_js(Napi::Env env, const std::exception_ptr& error);

// What is registered as a JavaScript function.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw Napi::Error(info.Env(), to_js(info.Env(), std::current_exception()));
  }
}

}  // namespace wavetile::binding
