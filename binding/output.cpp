// Typed arrays over or from pooled host memory.
#include "output.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "values.hpp"

namespace wavetile::binding {
namespace {

constexpr uint64_t kCopiedBytes = 64 << 10;  // up to here a copy costs less than an external ArrayBuffer
constexpr uint64_t kTurnBytes = 2ull << 20;  // copied in one turn of the event loop: well under a millisecond each

napi_value copied_buffer(Napi::Env env, const HostBlock& block, uint64_t bytes) {
  void* data = nullptr;
  napi_value buffer = nullptr;
  const napi_status status = napi_create_arraybuffer(env, bytes, &data, &buffer);
  NAPI_THROW_IF_FAILED(env, status, nullptr);
  if (bytes) std::memcpy(data, block.data, bytes);
  return buffer;
}

struct HeldBlock {
  std::shared_ptr<OpenDevice> open;
  std::shared_ptr<HostBlock> block;
};

void release_block(napi_env, void*, void* held) {
  const std::unique_ptr<HeldBlock> owned(static_cast<HeldBlock*>(held));
  owned->open->drop(std::move(owned->block));
}

// V8 counts an external ArrayBuffer's bytes itself, so nothing is adjusted here.
napi_value external_buffer(Napi::Env env, const std::shared_ptr<OpenDevice>& open, std::shared_ptr<HostBlock> block,
                           uint64_t bytes) {
  auto held = std::make_unique<HeldBlock>(HeldBlock{open, block});
  napi_value buffer = nullptr;
  const napi_status status =
      napi_create_external_arraybuffer(env, block->data, bytes, release_block, held.get(), &buffer);
  if (status == napi_no_external_buffers_allowed) return copied_buffer(env, *block, bytes);
  NAPI_THROW_IF_FAILED(env, status, nullptr);
  held.release();
  return buffer;
}

napi_value to_array(Napi::Env env, napi_typedarray_type type, napi_value buffer, uint64_t bytes) {
  napi_value array = nullptr;
  const napi_status status = napi_create_typedarray(env, type, bytes / element_bytes(type), buffer, 0, &array);
  NAPI_THROW_IF_FAILED(env, status, nullptr);
  return array;
}

}  // namespace

Output read_output(const Napi::Value& type, const Napi::Value& given, uint64_t bytes) {
  const uint32_t number = read_uint32(type, "array type");
  if (number > napi_float32_array) throw Napi::TypeError::New(type.Env(), "array type must be a napi_typedarray_type");
  Output output{static_cast<napi_typedarray_type>(number), bytes, {}};
  if (given.IsUndefined()) return output;
  const ArrayView view = read_typed_array(given, "out");
  if (view.bytes != bytes) throw Napi::RangeError::New(type.Env(), "out must have as many bytes as are read");
  output.given = Napi::Persistent(given.As<Napi::Object>());
  return output;
}

bool copy_to_given(Napi::Env env, std::vector<Output>& outputs, const std::vector<std::shared_ptr<HostBlock>>& blocks) {
  uint64_t budget = kTurnBytes;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Output& output = outputs[i];
    if (output.given.IsEmpty() || output.copied == output.bytes) continue;
    if (budget == 0) return false;
    // Looked up again each turn: its ArrayBuffer may have been transferred away meanwhile.
    const ArrayView view = read_typed_array(output.given.Value(), "out");
    if (view.bytes != output.bytes) throw Napi::TypeError::New(env, "out was detached while it was being filled");
    const uint64_t bytes = std::min(budget, output.bytes - output.copied);
    std::memcpy(view.data + output.copied, blocks[i]->data + output.copied, bytes);
    output.copied += bytes;
    budget -= bytes;
    if (output.copied < output.bytes) return false;
  }
  return true;
}

Napi::Array to_arrays(Napi::Env env, const std::shared_ptr<OpenDevice>& open, std::vector<Output>& outputs,
                      std::vector<std::shared_ptr<HostBlock>>& blocks) {
  Napi::Array arrays = Napi::Array::New(env, outputs.size());
  for (uint32_t i = 0; i < outputs.size(); ++i) {
    const Output& output = outputs[i];
    if (!output.given.IsEmpty()) {
      arrays.Set(i, output.given.Value());
      continue;
    }
    const napi_value buffer = output.bytes <= kCopiedBytes
                                  ? copied_buffer(env, *blocks[i], output.bytes)
                                  : external_buffer(env, open, std::move(blocks[i]), output.bytes);
    arrays.Set(i, to_array(env, output.type, buffer, output.bytes));
  }
  return arrays;
}

}  // namespace wavetile::binding
