// Ranges inside their buffers, alignment, binding and grid limits, counts that match the kernel's contract.
#include "device/check.hpp"

#include <algorithm>
#include <stdexcept>

namespace wavetile {
namespace {

[[noreturn]] void fail(const std::string& message) { throw std::invalid_argument(message); }

void check_range(const std::string& what, const BufferRange& range, uint64_t alignment) {
  if (!range.buffer) fail(what + " has no buffer");
  if (range.offset > range.buffer->bytes || range.bytes > range.buffer->bytes - range.offset) {
    fail(what + " must lie within its buffer of " + std::to_string(range.buffer->bytes) + " bytes, got offset " +
         std::to_string(range.offset) + ", bytes " + std::to_string(range.bytes));
  }
  if (range.offset % alignment != 0) {
    fail(what + " must begin at a multiple of " + std::to_string(alignment) + " bytes, got " +
         std::to_string(range.offset));
  }
}

template <class Value>
void check_count(const std::string& what, Value got, Value expected) {
  if (got != expected) fail(what + " must be " + std::to_string(expected) + ", got " + std::to_string(got));
}

void check_grid(const std::string& name, const DispatchCommand& dispatch, const DeviceInfo& info) {
  if (dispatch.indirect.buffer) {
    check_range(name + ": the indirect grid", dispatch.indirect, 4);
    if (dispatch.indirect.bytes < 12) fail(name + ": the indirect grid must have 12 bytes");
    return;
  }
  for (size_t axis = 0; axis < 3; ++axis) {
    if (dispatch.grid[axis] > info.max_grid[axis]) {
      fail(name + ": grid[" + std::to_string(axis) + "] must be at most " + std::to_string(info.max_grid[axis]) +
           ", got " + std::to_string(dispatch.grid[axis]));
    }
  }
}

void check(const DispatchCommand& dispatch, const DeviceInfo& info) {
  if (!dispatch.kernel) fail("dispatch has no kernel");
  const Kernel& kernel = *dispatch.kernel;
  const std::string name(kernel.name);
  check_count(name + ": number of buffers", dispatch.buffers.size(), kernel.bindings.size());
  check_count<size_t>(name + ": bytes of params", dispatch.params.size(), kernel.params_bytes);
  check_count(name + ": number of constants", dispatch.constants.size(), kernel.constants.size());
  for (size_t i = 0; i < dispatch.buffers.size(); ++i) {
    const std::string what = name + ": " + std::string(kernel.bindings[i].name);
    const BufferRange& range = dispatch.buffers[i];
    check_range(what, range, info.binding_alignment);
    if (range.bytes == 0 || range.bytes > info.max_binding_bytes) {
      fail(what + " must have 1 to " + std::to_string(info.max_binding_bytes) + " bytes, got " +
           std::to_string(range.bytes));
    }
  }
  check_grid(name, dispatch, info);
}

void check(const CopyCommand& copy, const DeviceInfo&) {
  check_range("copy: from", copy.from, 1);
  check_range("copy: to", copy.to, 1);
  check_count("copy: bytes of to", copy.to.bytes, copy.from.bytes);
  if (copy.from.buffer == copy.to.buffer && copy.from.offset < copy.to.offset + copy.to.bytes &&
      copy.to.offset < copy.from.offset + copy.from.bytes) {
    fail("copy: from and to must not overlap");
  }
}

void check(const FillCommand& fill, const DeviceInfo&) {
  check_range("fill: to", fill.to, 4);
  const bool to_the_end = fill.to.offset + fill.to.bytes == fill.to.buffer->bytes;  // the memory goes on to a multiple
  if (fill.to.bytes % 4 != 0 && !to_the_end) {
    fail("fill: bytes must be a multiple of 4, got " + std::to_string(fill.to.bytes));
  }
}

}  // namespace

DeviceInfo with_options(DeviceInfo info, const OpenOptions& options) {
  if (options.max_binding_bytes) {
    const uint64_t step = info.binding_alignment;
    const uint64_t asked = std::max(step, options.max_binding_bytes / step * step);
    info.max_binding_bytes = std::min(info.max_binding_bytes, asked);
  }
  return info;
}

void check_buffer_bytes(uint64_t bytes, const DeviceInfo& info) {
  if (bytes <= info.max_buffer_bytes) return;
  throw Error(
      ErrorCode::out_of_memory,
      "asked for " + format_bytes(bytes) + " in one buffer, the device allows " + format_bytes(info.max_buffer_bytes),
      "split the data over several buffers");
}

void check_commands(const std::vector<Command>& commands, const DeviceInfo& info) {
  for (const Command& command : commands) {
    std::visit([&](const auto& one) { check(one, info); }, command);
  }
}

void check_request(const RunRequest& request) {
  for (const Upload& upload : request.uploads) {
    check_range("upload: to", upload.to, 1);
    if (!upload.from || upload.from_offset > upload.from->bytes ||
        upload.to.bytes > upload.from->bytes - upload.from_offset) {
      fail("upload: its host block is too small");
    }
  }
  for (const BufferRange& readback : request.readbacks) check_range("readback", readback, 1);
}

}  // namespace wavetile
