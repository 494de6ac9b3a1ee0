// Copies and fills, and what both kinds of encoders share.
#include <cstring>

#include "encoders.hpp"

namespace software_metal {

static Encoder& state_of(const MTL::CommandEncoder* encoder) {
  NS::ObjectAccess::check_alive(encoder, "encoder");
  return *const_cast<Encoder*>(dynamic_cast<const Encoder*>(encoder));
}

Encoder& encoder_in_use(const MTL::CommandEncoder* encoder) {
  Encoder& state = state_of(encoder);
  if (state.has_ended) misuse("encoder used after endEncoding");
  return state;
}

}  // namespace software_metal

namespace MTL {

using software_metal::as;
using software_metal::misuse;

Device* CommandEncoder::device() const { return software_metal::the_device(); }
NS::String* CommandEncoder::label() const {
  return software_metal::make_string(software_metal::state_of(this).label_text);
}
void CommandEncoder::setLabel(const NS::String* label) {
  software_metal::state_of(this).label_text = software_metal::text_of(label);
}
void CommandEncoder::pushDebugGroup(const NS::String*) {}
void CommandEncoder::popDebugGroup() {}
void CommandEncoder::endEncoding() {
  software_metal::Encoder& state = software_metal::encoder_in_use(this);
  state.has_ended = true;
  state.command_buffer->open_encoder = nullptr;
}

void BlitCommandEncoder::updateFence(const Fence*) {}
void BlitCommandEncoder::waitForFence(const Fence*) {}

void BlitCommandEncoder::fillBuffer(const Buffer* buffer, NS::Range range, uint8_t value) {
  software_metal::Encoder& state = software_metal::encoder_in_use(this);
  auto* filled = as<software_metal::Buffer>(buffer);
  if (range.Max() > filled->bytes) misuse("fillBuffer past the end");
  if (range.location % 4 || range.length % 4) misuse("fillBuffer: offset and size must be multiples of 4 on macOS");
  state.command_buffer->hold(buffer);
  state.command_buffer->add_work([filled, range, value] {
    NS::ObjectAccess::check_alive(filled, "fillBuffer");
    memset(filled->data + range.location, value, range.length);
  });
}

void BlitCommandEncoder::copyFromBuffer(const Buffer* source, NS::UInteger from, const Buffer* destination,
                                        NS::UInteger to, NS::UInteger size) {
  software_metal::Encoder& state = software_metal::encoder_in_use(this);
  auto* read = as<software_metal::Buffer>(source);
  auto* written = as<software_metal::Buffer>(destination);
  if (from + size > read->bytes || to + size > written->bytes) misuse("copyFromBuffer past the end");
  if (size % 4 || from % 4 || to % 4) misuse("copyFromBuffer: offsets and size must be multiples of 4 on macOS");
  if (read == written && from < to + size && to < from + size) misuse("copyFromBuffer: source and destination overlap");
  state.command_buffer->hold(source);
  state.command_buffer->hold(destination);
  state.command_buffer->add_work([=] {
    NS::ObjectAccess::check_alive(read, "copyFromBuffer");
    NS::ObjectAccess::check_alive(written, "copyFromBuffer");
    memcpy(written->data + to, read->data + from, size);
  });
}

}  // namespace MTL
