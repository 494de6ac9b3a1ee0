// allocate and free of device memory. The garbage collector learns how much a handle keeps.
#include <stdexcept>
#include <utility>

#include "device.hpp"
#include "errors.hpp"
#include "values.hpp"

namespace wavetile::binding {

const napi_type_tag BufferHandle::tag = {0x8d5c6f0b1e2a4c12, 0x9b7e3d2f5a6c8e02};

void BufferHandle::free() {
  if (!buffer) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, -static_cast<int64_t>(buffer->bytes));
  open->drop(std::move(buffer));
  buffer = nullptr;
}

BufferRange read_range(const OpenDevice& open, const Napi::Value& buffer, uint64_t offset, uint64_t bytes) {
  const BufferHandle& handle = unwrap<BufferHandle>(buffer);
  if (!handle.buffer) throw Error(ErrorCode::disposed, "the buffer was disposed of");
  if (handle.open.get() != &open) throw std::invalid_argument("the buffer belongs to another device");
  if (offset > handle.buffer->bytes || bytes > handle.buffer->bytes - offset) {
    throw std::invalid_argument("the range must lie within its buffer");
  }
  return {handle.buffer, offset, bytes};
}

namespace {

// allocate(device, bytes): buffer
Napi::Value allocate(const Napi::CallbackInfo& info) {
  const std::shared_ptr<OpenDevice> open = read_device(info[0]).shared_from_this();
  const uint64_t bytes = read_integer(info[1], "bytes");
  if (bytes == 0) throw std::invalid_argument("bytes must be at least 1, got 0");
  auto handle = std::make_unique<BufferHandle>(info.Env(), open);
  std::shared_ptr<Buffer> buffer = open->device->allocate(bytes);
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), static_cast<int64_t>(bytes));
  handle->buffer = std::move(buffer);
  return wrap(info.Env(), std::move(handle));
}

// freeBuffer(buffer): recorded programs keep the memory until they go
Napi::Value free_buffer(const Napi::CallbackInfo& info) {
  unwrap<BufferHandle>(info[0]).free();
  return info.Env().Undefined();
}

}  // namespace

void export_buffers(Napi::Env env, Napi::Object exports) {
  exports.Set("allocate", Napi::Function::New<guarded<allocate>>(env, "allocate"));
  exports.Set("freeBuffer", Napi::Function::New<guarded<free_buffer>>(env, "freeBuffer"));
}

}  // namespace wavetile::binding
