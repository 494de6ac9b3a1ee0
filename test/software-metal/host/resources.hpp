// Buffers in pages of their own, and events.
#pragma once
#include <Metal/Metal.hpp>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "objects.hpp"

namespace software_metal {

/** What one encoder encoded: done when its command buffer has completed. */
struct Pass {
  std::atomic<bool> is_done = false;
};
using Passes = std::vector<std::shared_ptr<Pass>>;

struct PassUse {
  std::shared_ptr<Pass> pass;
  bool is_written;
};

struct Fence : MTL::Fence {
  Passes passes;  // that are done once it was waited for
  bool is_updated = false;
};

struct Buffer : MTL::Buffer {
  uint8_t* data = nullptr;
  size_t bytes;
  MTL::ResourceOptions options;
  std::string label_text;
  std::vector<PassUse> pass_uses;  // of a buffer whose hazards Metal does not track

  Buffer(size_t bytes, MTL::ResourceOptions options);
  ~Buffer() override;
  size_t mapped_bytes() const;
  uint8_t* end() const { return data + bytes; }

 private:
  uint8_t* mapping_ = nullptr;
};

struct ResidencySet : MTL::ResidencySet {
  ~ResidencySet() override;

  /** Whether it is there and stays wired between two command buffers. */
  bool keeps(const Buffer* buffer);

  std::mutex mutex;
  std::map<const NS::Object*, NS::SharedPtr<NS::Object>> wanted, committed;
  bool is_requested = false;
};

struct Event : MTL::SharedEvent {
  std::string label_text;

  uint64_t value();
  void signal(uint64_t value);
  bool wait(uint64_t value, uint64_t milliseconds);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t value_ = 0;
};

size_t allocated_bytes();
MTL::Device* the_device();
bool is_paravirtual();

}  // namespace software_metal

// label, setLabel and device of an interface that has them all.
#define SOFTWARE_METAL_LABEL(Interface, Implementation)                                                       \
  NS::String* MTL::Interface::label() const {                                                                 \
    return software_metal::make_string(software_metal::as<software_metal::Implementation>(this)->label_text); \
  }                                                                                                           \
  void MTL::Interface::setLabel(const NS::String* label) {                                                    \
    software_metal::as<software_metal::Implementation>(this)->label_text = software_metal::text_of(label);    \
  }                                                                                                           \
  MTL::Device* MTL::Interface::device() const { return software_metal::the_device(); }
