// run: arrays in, a program or nothing, arrays out, one promise.
#include <atomic>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "device.hpp"
#include "errors.hpp"
#include "output.hpp"
#include "values.hpp"

namespace wavetile::binding {
namespace {

constexpr uint64_t kInlineBytes = 1ull << 20;  // written together with the run; more goes through the stream in slices

// [command, begin, end, …], in microseconds
Napi::Value to_js(Napi::Env env, const std::vector<CommandTime>& times) {
  Napi::Float64Array flat = Napi::Float64Array::New(env, times.size() * 3);
  size_t next = 0;
  for (const CommandTime& time : times) {
    flat[next++] = time.command;
    flat[next++] = time.begin_us;
    flat[next++] = time.end_us;
  }
  return flat;
}

struct Write {
  ArrayView from;
  BufferRange to;
};

class Run : public Pending {
 public:
  Run(Napi::Env env, std::vector<Output> outputs) : Pending(env), outputs_(std::move(outputs)) {}

  ~Run() override {
    if (!open_) return;
    for (std::shared_ptr<HostBlock>& block : result_.readbacks) open_->drop(std::move(block));
  }

  void keep(const Napi::Value& array) { kept_.push_back(Napi::Persistent(array.As<Napi::Object>())); }

  // A write or the run itself ended, on any thread. The last one settles the promise, the first error counts.
  void end(std::exception_ptr part_error, uint32_t parts) {
    {
      const std::lock_guard lock(mutex_);
      if (!error) error = std::move(part_error);
    }
    if (parts_.fetch_sub(parts) == parts) completions_->finish(this);
  }

  void start(const std::shared_ptr<OpenDevice>& open, std::vector<Write> writes, RunRequest request);

 private:
  bool advance(Napi::Env env) override { return copy_to_given(env, outputs_, result_.readbacks); }
  Napi::Value result(Napi::Env env) override;

  bool timed_ = false;
  Completions* completions_ = nullptr;
  std::shared_ptr<OpenDevice> open_;
  std::vector<Output> outputs_;
  std::vector<Napi::ObjectReference> kept_;  // arrays being read by the stream
  RunResult result_;
  std::mutex mutex_;
  std::atomic<uint32_t> parts_ = 0;
};

void Run::start(const std::shared_ptr<OpenDevice>& open, std::vector<Write> writes, RunRequest request) {
  open_ = open;
  timed_ = request.timed;
  completions_ = &open->environment->completions;
  const bool runs = request.program || !request.uploads.empty() || !request.readbacks.empty() || writes.empty();
  uint32_t left = static_cast<uint32_t>(writes.size()) + (runs ? 1 : 0);
  parts_ = left;
  const std::shared_ptr<Stream> stream = open->stream;
  try {
    for (Write& write : writes) {
      stream->write(write.from.data, std::move(write.to), [this](RunResult&& ended) { end(ended.error, 1); });
      --left;
    }
    if (!runs) return;
    stream->run(std::move(request), [this](RunResult&& ended) {
      result_ = std::move(ended);
      end(result_.error, 1);
    });
  } catch (...) {
    end(std::current_exception(), left);
  }
}

Napi::Value Run::result(Napi::Env env) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("outputs", to_arrays(env, open_, outputs_, result_.readbacks));
  if (timed_) object.Set("times", to_js(env, result_.times));
  return object;
}

// [array, buffer, offset, …]
std::vector<Write> read_writes(const OpenDevice& open, const Napi::Array& flat) {
  std::vector<Write> writes;
  for (uint32_t i = 0; i + 2 < flat.Length(); i += 3) {
    const ArrayView from = read_typed_array(flat.Get(i), "array");
    const uint64_t offset = read_integer(flat.Get(i + 2), "offset");
    writes.push_back({from, read_range(open, flat.Get(i + 1), offset, from.bytes)});
  }
  return writes;
}

// [buffer, offset, bytes, array type, array to fill or undefined, …]
std::vector<Output> read_outputs(const OpenDevice& open, const Napi::Value& value, RunRequest& request) {
  const Napi::Array flat = read_array(value, "readbacks");
  std::vector<Output> outputs;
  for (uint32_t i = 0; i + 4 < flat.Length(); i += 5) {
    const uint64_t offset = read_integer(flat.Get(i + 1), "offset");
    const uint64_t bytes = read_integer(flat.Get(i + 2), "bytes");
    request.readbacks.push_back(read_range(open, flat.Get(i), offset, bytes));
    outputs.push_back(read_output(flat.Get(i + 3), flat.Get(i + 4), bytes));
  }
  return outputs;
}

// In order: behind one that has to be copied nothing is written at once.
void add_uploads(const OpenDevice& open, std::vector<Write>& writes, RunRequest& request) {
  uint64_t bytes = 0;
  for (const Write& write : writes) bytes += write.from.bytes;
  if (bytes > kInlineBytes) return;
  for (Write& write : writes) {
    if (write.from.bytes == 0) continue;
    if (std::byte* direct = request.uploads.empty() ? open.stream->direct(write.to) : nullptr) {
      std::memcpy(direct, write.from.data, write.from.bytes);
      continue;
    }
    std::shared_ptr<HostBlock> block = open.device->host_block(write.from.bytes);
    std::memcpy(block->data, write.from.data, write.from.bytes);
    request.uploads.push_back({std::move(block), std::move(write.to), 0});
  }
  writes.clear();
}

std::shared_ptr<Program> read_program(const OpenDevice& open, const Napi::Value& value) {
  if (value.IsNull()) return nullptr;
  const ProgramHandle& handle = unwrap<ProgramHandle>(value);
  if (!handle.program) throw Error(ErrorCode::disposed, "the program was disposed of");
  if (handle.open.get() != &open) throw std::invalid_argument("the program belongs to another device");
  return handle.program;
}

// run(device, program | null, writes, readbacks, timed): Promise<{ outputs, times? }>
Napi::Value run(const Napi::CallbackInfo& info) {
  const std::shared_ptr<OpenDevice> open = read_device(info[0]).shared_from_this();
  RunRequest request;
  request.program = read_program(*open, info[1]);
  request.timed = info[4].ToBoolean();
  const Napi::Array flat = read_array(info[2], "writes");
  std::vector<Write> writes = read_writes(*open, flat);
  std::vector<Output> outputs = read_outputs(*open, info[3], request);
  add_uploads(*open, writes, request);

  auto run = std::make_unique<Run>(info.Env(), std::move(outputs));
  for (uint32_t i = 0; i < writes.size(); ++i) run->keep(flat.Get(i * 3));
  const Napi::Promise promise = open->environment->completions.begin(*run);
  run.release()->start(open, std::move(writes), std::move(request));
  return promise;
}

}  // namespace

void export_runs(Napi::Env env, Napi::Object exports) {
  exports.Set("run", Napi::Function::New<guarded<run>>(env, "run"));
}

}  // namespace wavetile::binding
