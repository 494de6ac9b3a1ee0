// A queue that is used only behind a write in slices; its thread starts with the first such write.
#include "device/stream.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace wavetile {
namespace {

constexpr uint64_t kSliceBytes = 16ull << 20;
constexpr uint64_t kInlineBytes = 1ull << 20;
constexpr uint32_t kSlicesInFlight = 3;  // one being copied by the host, two on their way

struct WriteJob {
  const std::byte* from;
  BufferRange to;
};
struct Job {
  std::variant<WriteJob, RunRequest> work;
  Completion done;
};

RunResult failure(std::exception_ptr error) {
  RunResult result;
  result.error = std::move(error);
  return result;
}

// Counts a write's slices; the first error is the write's.
struct SliceCount {
  std::mutex mutex;
  std::condition_variable changed;
  uint32_t in_flight = 0;
  std::exception_ptr error;

  void begin() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return in_flight < kSlicesInFlight; });
    ++in_flight;
  }
  void end(std::exception_ptr slice_error) {
    const std::lock_guard lock(mutex);
    --in_flight;
    if (!error) error = std::move(slice_error);
    changed.notify_all();
  }
  void wait_all() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return in_flight == 0; });
  }
  bool failed() {
    const std::lock_guard lock(mutex);
    return error != nullptr;
  }
};

// Empty where the bytes could be written at once.
RunRequest upload_request(Device& device, const std::byte* from, BufferRange to) {
  RunRequest request;
  if (to.bytes == 0) return request;
  if (std::byte* direct = device.direct(to)) {
    std::memcpy(direct, from, to.bytes);
    return request;
  }
  auto block = device.host_block(to.bytes);
  std::memcpy(block->data, from, to.bytes);
  request.uploads.push_back({std::move(block), std::move(to), 0});
  return request;
}

}  // namespace

struct Stream::State {
  explicit State(std::shared_ptr<Device> device) : device(std::move(device)) {}

  const std::shared_ptr<Device> device;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;  // the front one stays until it was handed to the device
  std::set<uint64_t> outstanding;
  uint64_t next_ticket = 0;
  bool stopping = false;
  std::thread thread;

  // Wraps `done` so that drain knows when it was called. With the mutex held.
  Completion track(uint64_t ticket, Completion done) {
    return [this, ticket, done = std::move(done)](RunResult&& result) {
      done(std::move(result));
      finish(ticket);
    };
  }

  void finish(uint64_t ticket) {
    const std::lock_guard lock(mutex);
    outstanding.erase(ticket);
    changed.notify_all();
  }

  // At once when nothing waits, else behind it. With the mutex held.
  void submit(RunRequest request, Completion done) {
    const uint64_t ticket = next_ticket++;
    Completion tracked = track(ticket, std::move(done));
    outstanding.insert(ticket);
    try {
      if (jobs.empty()) {
        device->run(std::move(request), std::move(tracked));
      } else {
        jobs.push_back({std::move(request), std::move(tracked)});
      }
    } catch (...) {
      outstanding.erase(ticket);
      throw;
    }
  }

  void enqueue_write(WriteJob write, Completion done) {
    if (!thread.joinable()) thread = std::thread([this] { work(); });
    const uint64_t ticket = next_ticket++;
    jobs.push_back({std::move(write), track(ticket, std::move(done))});
    outstanding.insert(ticket);
    changed.notify_all();
  }

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stopping || !jobs.empty(); });
      if (jobs.empty()) return;
      Job& job = jobs.front();  // deque: push_back leaves it where it is
      lock.unlock();
      process(job);
      lock.lock();
      jobs.pop_front();
    }
  }

  void process(Job& job) {
    if (auto* write = std::get_if<WriteJob>(&job.work)) return write_slices(*write, job.done);
    Completion done = job.done;
    try {
      device->run(std::move(std::get<RunRequest>(job.work)), std::move(job.done));
    } catch (...) {
      done(failure(std::current_exception()));
    }
  }

  void write_slices(const WriteJob& write, const Completion& done) {
    auto count = std::make_shared<SliceCount>();
    try {
      for (uint64_t offset = 0; offset < write.to.bytes && !count->failed(); offset += kSliceBytes) {
        const uint64_t bytes = std::min(kSliceBytes, write.to.bytes - offset);
        const bool last = offset + bytes == write.to.bytes;
        write_slice(write, {write.to.buffer, write.to.offset + offset, bytes}, count, last ? done : Completion());
        if (last) return;  // its completion is the write's: slices end in order
      }
    } catch (...) {
      count->wait_all();
      return done(failure(std::current_exception()));
    }
    count->wait_all();
    done(failure(count->error));
  }

  void write_slice(const WriteJob& write, BufferRange to, const std::shared_ptr<SliceCount>& count, Completion done) {
    count->begin();
    try {
      const std::byte* from = write.from + (to.offset - write.to.offset);
      RunRequest request = upload_request(*device, from, std::move(to));
      device->run(std::move(request), [count, done = std::move(done)](RunResult&& result) {
        count->end(result.error);
        if (done) done(count->error ? failure(count->error) : std::move(result));
      });
    } catch (...) {
      count->end(nullptr);
      throw;
    }
  }
};

Stream::Stream(std::shared_ptr<Device> device) : state_(std::make_unique<State>(std::move(device))) {}

Stream::~Stream() {
  drain();
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
  }
  if (state_->thread.joinable()) state_->thread.join();
}

void Stream::write(const std::byte* from, BufferRange to, Completion done) {
  const std::lock_guard lock(state_->mutex);
  if (to.bytes <= kInlineBytes && state_->jobs.empty()) {
    RunRequest request = upload_request(*state_->device, from, std::move(to));
    return state_->submit(std::move(request), std::move(done));
  }
  state_->enqueue_write({from, std::move(to)}, std::move(done));
}

void Stream::run(RunRequest request, Completion done) {
  const std::lock_guard lock(state_->mutex);
  state_->submit(std::move(request), std::move(done));
}

std::byte* Stream::direct(const BufferRange& range) {
  const std::lock_guard lock(state_->mutex);
  return state_->jobs.empty() ? state_->device->direct(range) : nullptr;
}

void Stream::drain() {
  std::unique_lock lock(state_->mutex);
  const uint64_t end = state_->next_ticket;
  state_->changed.wait(lock, [&] { return state_->outstanding.empty() || *state_->outstanding.begin() >= end; });
}

}  // namespace wavetile
