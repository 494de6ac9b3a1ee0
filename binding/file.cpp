// Files, and loads of parts of them into device memory.
#include "file.hpp"

#include <atomic>
#include <stdexcept>
#include <utility>

#include "device.hpp"
#include "errors.hpp"
#include "task.hpp"
#include "values.hpp"

namespace wavetile::binding {

const napi_type_tag FileHandle::tag = {0x8d5c6f0b1e2a4c14, 0x9b7e3d2f5a6c8e04};

namespace {

class Load : public Pending {
 public:
  explicit Load(Napi::Env env) : Pending(env) {}

 private:
  Napi::Value result(Napi::Env env) override { return env.Undefined(); }
};

// openFile(path): Promise<{ file, bytes }>
Napi::Value open_file(const Napi::CallbackInfo& info) {
  auto work = [path = read_string(info[0], "path")] { return io::File::open(path); };
  auto convert = [](Napi::Env env, std::shared_ptr<io::File>& file) {
    Napi::Object result = Napi::Object::New(env);
    result.Set("bytes", static_cast<double>(file->bytes));
    result.Set("file", wrap(env, std::make_unique<FileHandle>(std::move(file))));
    return result;
  };
  return Task<std::shared_ptr<io::File>>::start(info.Env(), work, convert);
}

// closeFile(file): loads in flight go on
Napi::Value close_file(const Napi::CallbackInfo& info) {
  unwrap<FileHandle>(info[0]).file = nullptr;
  return info.Env().Undefined();
}

io::LoadRequest read_request(const Napi::CallbackInfo& info) {
  const FileHandle& handle = unwrap<FileHandle>(info[0]);
  if (!handle.file) throw Error(ErrorCode::disposed, "the file was closed");
  const OpenDevice& open = read_device(info[2]);
  io::LoadRequest request;
  request.file = handle.file;
  request.offset = read_integer(info[1], "offset");
  request.to = read_range(open, info[3], read_integer(info[4], "bufferOffset"), read_integer(info[5], "bytes"));
  if (request.offset > handle.file->bytes || request.to.bytes > handle.file->bytes - request.offset) {
    throw std::invalid_argument("the range must lie within its file");
  }
  request.device = open.device;
  request.stream = open.stream;
  request.cancelled = std::make_shared<std::atomic<bool>>(false);
  return request;
}

// load(file, offset, device, buffer, bufferOffset, bytes): { done: Promise<void>, cancel(): void }
Napi::Value load(const Napi::CallbackInfo& info) {
  io::LoadRequest request = read_request(info);
  const std::shared_ptr<Environment>& environment = Environment::of(info.Env());
  auto cancel = [cancelled = request.cancelled, kept = std::weak_ptr(environment)](const Napi::CallbackInfo&) {
    cancelled->store(true);
    if (const auto environment = kept.lock()) environment->loads.wake();
  };
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("cancel", Napi::Function::New(info.Env(), cancel, "cancel"));
  auto* pending = new Load(info.Env());
  result.Set("done", environment->completions.begin(*pending));
  auto end = [pending, completions = &environment->completions](std::exception_ptr error) {
    pending->error = std::move(error);
    completions->finish(pending);
  };
  try {
    environment->loads.start(std::move(request), end);
  } catch (...) {
    end(std::current_exception());
  }
  return result;
}

}  // namespace

void export_files(Napi::Env env, Napi::Object exports) {
  exports.Set("openFile", Napi::Function::New<guarded<open_file>>(env, "openFile"));
  exports.Set("closeFile", Napi::Function::New<guarded<close_file>>(env, "closeFile"));
  exports.Set("load", Napi::Function::New<guarded<load>>(env, "load"));
}

}  // namespace wavetile::binding
