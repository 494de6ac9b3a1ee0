// NS::Error to Error.
#include "metal/api.hpp"

namespace wavetile::metal {

std::string text_of(const NS::Error* error) {
  return error ? text_of(error->localizedDescription()) : "Metal gives no reason";
}

Error lost_error(const std::string& device_name) {
  return {ErrorCode::device_lost, device_name + " was lost: it was removed, or the system took it from this process",
          "open the device again; if it happens again, look for its name in the system log"};
}

RunFailure failure_of(const MTL::CommandBuffer& buffer, const std::string& device_name) {
  const NS::Error* error = buffer.error();
  switch (error ? static_cast<MTL::CommandBufferError>(error->code()) : MTL::CommandBufferErrorInternal) {
    case MTL::CommandBufferErrorOutOfMemory:
      return {std::make_exception_ptr(
          Error(ErrorCode::out_of_memory, device_name + " had no memory left for a run: " + text_of(error),
                "dispose of tensors and programs that are no longer needed, or work in smaller parts"))};
    case MTL::CommandBufferErrorAccessRevoked:
    case MTL::CommandBufferErrorDeviceRemoved:
      return {std::make_exception_ptr(lost_error(device_name)), true};
    default:
      return {std::make_exception_ptr(Error(ErrorCode::device_lost, device_name + " stopped a run: " + text_of(error),
                                            "the device goes on, but what the run had to write is undefined"))};
  }
}

}  // namespace wavetile::metal
