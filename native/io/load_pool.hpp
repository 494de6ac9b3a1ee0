// Parts of files into device memory: a few threads read slices, and each slice is uploaded as soon as it is there.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "device/device.hpp"
#include "device/stream.hpp"
#include "io/file.hpp"

namespace wavetile::io {

struct LoadRequest {
  std::shared_ptr<File> file;
  uint64_t offset = 0;  // in the file
  BufferRange to;
  std::shared_ptr<Device> device;  // for staging memory
  std::shared_ptr<Stream> stream;  // of that device
  std::shared_ptr<std::atomic<bool>> cancelled;
};

// Called once on a thread of the pool, when nothing of the load is in flight and its references are gone.
using LoadEnd = std::function<void(std::exception_ptr error)>;

// Loads run side by side; slices are taken from the oldest first. The threads start with the first load.
class LoadPool {
 public:
  LoadPool() = default;
  ~LoadPool() { stop(); }
  LoadPool(const LoadPool&) = delete;
  LoadPool& operator=(const LoadPool&) = delete;

  // A cancelled load ends soon: with an error, or without when nothing was left to do.
  void start(LoadRequest request, LoadEnd end);
  void wake();  // after something was cancelled
  void stop();  // cancels all loads and returns when they have ended

 private:
  struct Load {
    LoadRequest request;
    LoadEnd end;
    uint64_t next = 0;       // bytes given to threads
    uint32_t in_flight = 0;  // slices
    std::exception_ptr error;

    bool stopped() const { return error || *request.cancelled; }
    bool has_slice() const { return !stopped() && next < request.to.bytes; }
    bool ended() const { return in_flight == 0 && !has_slice(); }
  };
  struct Slice {
    Load* load;
    uint64_t begin, bytes;  // within the load
  };

  void work();
  bool take_ended(std::unique_ptr<Load>& ended);
  bool take_slice(Slice& slice);
  void finish(std::unique_ptr<Load> load);
  void transfer(const Slice& slice);
  std::shared_ptr<HostBlock> host_block(Device& device, uint64_t bytes);
  void end_slice(Load& load, bool held, std::exception_ptr error);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Load>> loads_;
  uint32_t in_flight_ = 0;   // slices of all loads
  uint32_t held_ = 0;        // of them with a host block
  uint64_t given_back_ = 0;  // host blocks so far
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace wavetile::io
