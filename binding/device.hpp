// An open device and what JavaScript holds of it: device, buffer and program handles.
#pragma once
#include <memory>
#include <utility>

#include "device/device.hpp"
#include "device/stream.hpp"
#include "environment.hpp"
#include "handle.hpp"

namespace wavetile::binding {

// Shared by the handles of one device. `stream` is empty once the device was closed.
struct OpenDevice : std::enable_shared_from_this<OpenDevice> {
  OpenDevice(std::shared_ptr<Environment> environment, std::shared_ptr<Device> device);
  ~OpenDevice();

  // Ends in the background: the work in flight completes first.
  void close();
  // Drops what may be the closed device's last reference where that may take time.
  template <class T>
  void drop(std::shared_ptr<T> thing) {
    if (!stream && thing) environment->tasks.post([thing = std::move(thing)] {});
  }

  const std::shared_ptr<Environment> environment;
  std::shared_ptr<Device> device;
  std::shared_ptr<Stream> stream;
};

struct DeviceHandle {
  static const napi_type_tag tag;
  static constexpr const char* noun = "device";
  explicit DeviceHandle(std::shared_ptr<OpenDevice> open) : open(std::move(open)) {}
  ~DeviceHandle() { open->close(); }

  const std::shared_ptr<OpenDevice> open;
};

struct BufferHandle {
  static const napi_type_tag tag;
  static constexpr const char* noun = "buffer";
  BufferHandle(Napi::Env env, std::shared_ptr<OpenDevice> open) : env(env), open(std::move(open)) {}
  ~BufferHandle() { free(); }
  void free();

  const Napi::Env env;
  const std::shared_ptr<OpenDevice> open;
  std::shared_ptr<Buffer> buffer;  // empty once freed
};

struct ProgramHandle {
  static const napi_type_tag tag;
  static constexpr const char* noun = "program";
  explicit ProgramHandle(std::shared_ptr<OpenDevice> open) : open(std::move(open)) {}
  ~ProgramHandle() { free(); }
  void free() { open->drop(std::exchange(program, nullptr)); }

  const std::shared_ptr<OpenDevice> open;
  std::shared_ptr<Program> program;  // empty once freed
};

OpenDevice& read_device(const Napi::Value& value);  // throws Error(disposed) when it was closed
BufferRange read_range(const OpenDevice& open, const Napi::Value& buffer, uint64_t offset, uint64_t bytes);

void export_devices(Napi::Env env, Napi::Object exports);
void export_buffers(Napi::Env env, Napi::Object exports);
void export_programs(Napi::Env env, Napi::Object exports);
void export_runs(Napi::Env env, Napi::Object exports);

}  // namespace wavetile::binding
