// The threads of the pool. A load belongs to the pool from start to finish: completions on a device's thread only
// count, so that nothing large, and no device, is let go of there.
#include "io/load_pool.hpp"

#include <algorithm>
#include <utility>

namespace wavetile::io {
namespace {

constexpr uint64_t kSliceBytes = 4ull << 20;
constexpr uint32_t kThreads = 4;
constexpr uint32_t kSlicesInFlight = 16;

}  // namespace

void LoadPool::start(LoadRequest request, LoadEnd end) {
  auto load = std::make_unique<Load>();
  load->request = std::move(request);
  load->end = std::move(end);
  const std::lock_guard lock(mutex_);
  if (stopping_) load->request.cancelled->store(true);
  while (threads_.size() < kThreads) threads_.emplace_back([this] { work(); });
  loads_.push_back(std::move(load));
  changed_.notify_all();
}

void LoadPool::wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void LoadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& load : loads_) load->request.cancelled->store(true);
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void LoadPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    std::unique_ptr<Load> ended;
    Slice slice{};
    changed_.wait(lock, [&] { return take_ended(ended) || take_slice(slice) || (stopping_ && loads_.empty()); });
    if (!ended && !slice.load) return;
    lock.unlock();
    if (ended) {
      finish(std::move(ended));
    } else {
      transfer(slice);
    }
    lock.lock();
  }
}

bool LoadPool::take_ended(std::unique_ptr<Load>& ended) {
  const auto found = std::find_if(loads_.begin(), loads_.end(), [](const auto& load) { return load->ended(); });
  if (found == loads_.end()) return false;
  ended = std::move(*found);
  loads_.erase(found);
  changed_.notify_all();  // when stopping, the others wait for the last one
  return true;
}

// Slices end at multiples of their size in the file, so that only a load's first and last may be short.
bool LoadPool::take_slice(Slice& slice) {
  if (in_flight_ == kSlicesInFlight) return false;
  const auto found = std::find_if(loads_.begin(), loads_.end(), [](const auto& load) { return load->has_slice(); });
  if (found == loads_.end()) return false;
  Load& load = **found;
  const uint64_t to_boundary = kSliceBytes - (load.request.offset + load.next) % kSliceBytes;
  slice = {&load, load.next, std::min(to_boundary, load.request.to.bytes - load.next)};
  load.next += slice.bytes;
  ++load.in_flight;
  ++in_flight_;
  return true;
}

void LoadPool::finish(std::unique_ptr<Load> load) {
  const bool complete = load->next == load->request.to.bytes;
  if (!load->error && !complete) {
    load->error = std::make_exception_ptr(Error(ErrorCode::disposed, "the load was cancelled"));
  }
  load->request = {};
  load->end(std::move(load->error));
}

void LoadPool::transfer(const Slice& slice) {
  Load& load = *slice.load;
  const LoadRequest& request = load.request;
  // Of our own: once the slice has ended, which may be before run returns, another thread may finish the load.
  const std::shared_ptr<Stream> stream = request.stream;
  BufferRange to{request.to.buffer, request.to.offset + slice.begin, slice.bytes};
  bool held = false;
  try {
    if (std::byte* direct = stream->direct(to)) {
      request.file->read_into(direct, request.offset + slice.begin, slice.bytes);
      return end_slice(load, held, nullptr);
    }
    std::shared_ptr<HostBlock> block = host_block(*request.device, File::room_bytes(slice.bytes));
    held = true;
    const uint64_t begin = request.file->read(block->data, request.offset + slice.begin, slice.bytes);
    RunRequest run;
    run.uploads.push_back({std::move(block), std::move(to), begin});
    stream->run(std::move(run), [this, &load](RunResult&& result) { end_slice(load, true, result.error); });
  } catch (...) {
    end_slice(load, held, std::current_exception());
  }
}

// Short of memory, waits for what other slices give back.
std::shared_ptr<HostBlock> LoadPool::host_block(Device& device, uint64_t bytes) {
  std::unique_lock lock(mutex_);
  while (true) {
    const uint64_t before = given_back_;
    lock.unlock();
    try {
      std::shared_ptr<HostBlock> block = device.host_block(bytes);
      lock.lock();
      ++held_;
      return block;
    } catch (const Error& error) {
      lock.lock();
      if (error.code != ErrorCode::out_of_memory) throw;
      if (held_ == 0 && given_back_ == before) throw;
    }
    changed_.wait(lock, [&] { return given_back_ != before; });
  }
}

void LoadPool::end_slice(Load& load, bool held, std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (held) {
    --held_;
    ++given_back_;
  }
  if (!load.error) load.error = std::move(error);
  --load.in_flight;
  --in_flight_;
  changed_.notify_all();
}

}  // namespace wavetile::io
