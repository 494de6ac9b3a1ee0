// Exceptions to error objects; src/runtime/errors.ts makes ComputeErrors of those with a code.
#include "errors.hpp"

#include <new>
#include <stdexcept>
#include <string>

#include "device/error.hpp"

namespace wavetile::binding {
namespace {

Napi::Value coded(Napi::Env env, const std::string& message, ErrorCode code, const std::string& suggestion) {
  Napi::Object error = Napi::Error::New(env, message).Value();
  error.Set("code", name_of(code));
  if (!suggestion.empty()) error.Set("suggestion", suggestion);
  return error;
}

}  // namespace

Napi::Value to_js(Napi::Env env, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Napi::Error& thrown) {
    return thrown.Value();
  } catch (const Error& thrown) {
    return coded(env, thrown.what(), thrown.code, thrown.suggestion);
  } catch (const std::bad_alloc&) {
    return coded(env, "the system has no more host memory", ErrorCode::out_of_memory, {});
  } catch (const std::invalid_argument& thrown) {
    return Napi::RangeError::New(env, thrown.what()).Value();
  } catch (const std::exception& thrown) {
    return Napi::Error::New(env, thrown.what()).Value();
  } catch (...) {
    return Napi::Error::New(env, "unknown native failure").Value();
  }
}

}  // namespace wavetile::binding
