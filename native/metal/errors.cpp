// NS::Error to Error.
#include "metal/api.hpp"

namespace wavetile::metal {
namespace {

// macOS stops what keeps the screen waiting; Metal has no code of its own for that.
const char* suggestion_for(MTL::CommandBufferError code, const std::string& text) {
  if (code == MTL::CommandBufferErrorTimeout || text.find("Interactivity") != std::string::npos) {
    return "the system stopped it in favour of the screen: work in smaller batches, let the display sleep, or set "
           "AGX_RELAX_CDM_CTXSTORE_TIMEOUT=1; what the run had to write is undefined";
  }
  return "the device goes on, but what the run had to write is undefined";
}

}  // namespace

std::string text_of(const NS::Error* error) {
  return error ? text_of(error->localizedDescription()) : "Metal gives no reason";
}

Error lost_error(const std::string& device_name, const std::string& reason) {
  return {ErrorCode::device_lost, device_name + " was lost: " + reason,
          "open the device again; if it happens again, look for its name in the system log"};
}

RunFailure failure_of(const MTL::CommandBuffer& buffer, const std::string& device_name) {
  const NS::Error* error = buffer.error();
  const std::string text = text_of(error);
  const auto code = error ? static_cast<MTL::CommandBufferError>(error->code()) : MTL::CommandBufferErrorInternal;
  switch (code) {
    case MTL::CommandBufferErrorOutOfMemory:
      return {std::make_exception_ptr(
          Error(ErrorCode::out_of_memory, device_name + " had no memory left for a run: " + text,
                "dispose of tensors and programs that are no longer needed, or work in smaller parts"))};
    case MTL::CommandBufferErrorAccessRevoked:
      return {std::make_exception_ptr(
                  lost_error(device_name, "the system refuses its work after an earlier failure: " + text)),
              true};
    case MTL::CommandBufferErrorDeviceRemoved:
      return {std::make_exception_ptr(lost_error(device_name, "it was removed: " + text)), true};
    default:
      return {std::make_exception_ptr(
          Error(ErrorCode::device_lost, device_name + " stopped a run: " + text, suggestion_for(code, text)))};
  }
}

}  // namespace wavetile::metal
