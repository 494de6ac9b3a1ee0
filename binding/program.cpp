// createProgram: the recorded commands from JavaScript to native/device.
#include <cstring>
#include <stdexcept>
#include <utility>

#include "device.hpp"
#include "errors.hpp"
#include "task.hpp"
#include "values.hpp"

namespace wavetile::binding {

const napi_type_tag ProgramHandle::tag = {0x8d5c6f0b1e2a4c13, 0x9b7e3d2f5a6c8e03};

namespace {

// [buffer, offset, bytes, buffer, offset, bytes, …]
std::vector<BufferRange> read_ranges(const OpenDevice& open, const Napi::Value& value) {
  const Napi::Array flat = read_array(value, "ranges");
  if (flat.Length() % 3 != 0) throw std::invalid_argument("ranges must come in threes");
  std::vector<BufferRange> ranges;
  for (uint32_t i = 0; i < flat.Length(); i += 3) {
    const uint64_t offset = read_integer(flat.Get(i + 1), "offset");
    const uint64_t bytes = read_integer(flat.Get(i + 2), "bytes");
    ranges.push_back(read_range(open, flat.Get(i), offset, bytes));
  }
  return ranges;
}

std::vector<BufferRange> read_ranges(const OpenDevice& open, const Napi::Object& command, size_t count) {
  std::vector<BufferRange> ranges = read_ranges(open, command.Get("ranges"));
  if (ranges.size() != count) throw std::invalid_argument("the command has a wrong number of ranges");
  return ranges;
}

DispatchCommand read_dispatch(const OpenDevice& open, const Napi::Object& from) {
  DispatchCommand dispatch;
  const std::string name = read_string(from.Get("kernel"), "kernel");
  dispatch.kernel = find_kernel(name);
  if (!dispatch.kernel) throw std::invalid_argument("there is no kernel " + name);
  dispatch.buffers = read_ranges(open, from.Get("ranges"));
  const ArrayView params = read_typed_array(from.Get("params"), "params");
  dispatch.params.assign(params.data, params.data + params.bytes);
  const ArrayView constants = read_typed_array(from.Get("constants"), "constants");
  dispatch.constants.resize(constants.bytes / sizeof(uint32_t));
  if (constants.bytes) std::memcpy(dispatch.constants.data(), constants.data, dispatch.constants.size() * 4);
  const Napi::Array grid = read_array(from.Get("grid"), "grid");
  for (uint32_t axis = 0; axis < 3; ++axis) dispatch.grid[axis] = read_uint32(grid.Get(axis), "grid");
  const std::vector<BufferRange> indirect = read_ranges(open, from.Get("indirect"));
  if (!indirect.empty()) dispatch.indirect = indirect[0];
  return dispatch;
}

Command read_command(const OpenDevice& open, const Napi::Object& from) {
  const std::string kind = read_string(from.Get("kind"), "kind");
  if (kind == "dispatch") return read_dispatch(open, from);
  if (kind == "copy") {
    std::vector<BufferRange> ranges = read_ranges(open, from, 2);
    return CopyCommand{std::move(ranges[0]), std::move(ranges[1])};
  }
  if (kind == "fill") {
    std::vector<BufferRange> ranges = read_ranges(open, from, 1);
    return FillCommand{std::move(ranges[0]), read_uint32(from.Get("value"), "value")};
  }
  throw std::invalid_argument("there is no command " + kind);
}

// createProgram(device, commands): Promise<program>
Napi::Value create_program(const Napi::CallbackInfo& info) {
  const std::shared_ptr<OpenDevice> open = read_device(info[0]).shared_from_this();
  const Napi::Array list = read_array(info[1], "commands");
  auto commands = std::make_shared<std::vector<Command>>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::HandleScope scope(info.Env());
    commands->push_back(read_command(*open, read_object(list.Get(i), "command")));
  }
  auto work = [device = open->device, commands] { return device->create_program(std::move(*commands)); };
  auto convert = [open](Napi::Env env, std::shared_ptr<Program>& program) {
    auto handle = std::make_unique<ProgramHandle>(open);
    handle->program = std::move(program);
    return wrap(env, std::move(handle));
  };
  return Task<std::shared_ptr<Program>>::start(info.Env(), work, convert);
}

// freeProgram(program): runs in flight keep it until they end
Napi::Value free_program(const Napi::CallbackInfo& info) {
  unwrap<ProgramHandle>(info[0]).free();
  return info.Env().Undefined();
}

}  // namespace

void export_programs(Napi::Env env, Napi::Object exports) {
  exports.Set("createProgram", Napi::Function::New<guarded<create_program>>(env, "createProgram"));
  exports.Set("freeProgram", Napi::Function::New<guarded<free_program>>(env, "freeProgram"));
}

}  // namespace wavetile::binding
