// The order in which a device's work was asked for. A large write is copied in slices on a thread of its own;
// whatever is asked for meanwhile waits behind it, and everything else goes straight to Device::run.
#pragma once
#include <memory>

#include "device/device.hpp"

namespace wavetile {

class Stream {
 public:
  explicit Stream(std::shared_ptr<Device> device);
  ~Stream();  // waits for what was asked for; never within a completion

  // `from` stays readable until `done`. Up to 1 MiB is copied before write returns, when nothing waits ahead of it.
  // Both throw, and then never call `done`, when the device refuses at once; what had to wait fails through `done`.
  void write(const std::byte* from, BufferRange to, Completion done);
  void run(RunRequest request, Completion done);
  std::byte* direct(const BufferRange& range);  // Device::direct, or null while something waits
  void drain();                                 // returns when everything asked for so far has completed

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wavetile
