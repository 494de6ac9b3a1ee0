// Uploads, program, readbacks: in the order in which they were asked for.
#include "cpu/queue.hpp"

#include <new>

#include "cpu/program.hpp"
#include "cpu/spin.hpp"

namespace wavetile::cpu {
namespace {

// Whoever awaited the last run often asks for the next within this time.
constexpr std::chrono::microseconds kSpinTime{30};

// Working memory of kernels is small, but it too may run out.
std::exception_ptr current_error() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return std::make_exception_ptr(
        Error(ErrorCode::out_of_memory, "the system has no memory left for a kernel's work"));
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

Queue::Queue(std::shared_ptr<MemoryPool> memory, uint32_t threads)
    : state_(std::make_shared<State>(std::move(memory), threads)), thread_([state = state_] { state->serve(); }) {}

Queue::~Queue() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->arrived.notify_all();
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void Queue::push(RunRequest request, Completion done) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->jobs.push_back({std::move(request), std::move(done)});
    ++state_->waiting;
  }
  state_->arrived.notify_one();
}

bool Queue::State::next(Job& job) {
  spin_until(kSpinTime, [this] { return waiting.load(std::memory_order_acquire) != 0; });
  std::unique_lock lock(mutex);
  arrived.wait(lock, [this] { return stopping || !jobs.empty(); });
  if (jobs.empty()) return false;
  job = std::move(jobs.front());
  jobs.pop_front();
  --waiting;
  return true;
}

RunResult Queue::State::run(ThreadPool& pool, const RunRequest& request) const {
  RunResult result;
  try {
    for (const Upload& upload : request.uploads) {
      copy_bytes(pool, data_of(upload.to), upload.from->data + upload.from_offset, upload.to.bytes);
    }
    if (request.program) {
      const auto& program = static_cast<const CpuProgram&>(*request.program);
      if (request.timed) {
        result.times = program.run_timed(pool);
      } else {
        program.run(pool);
      }
    }
    for (const BufferRange& readback : request.readbacks) {
      auto block = make_host_block(*memory, readback.bytes);
      copy_bytes(pool, block->data, data_of(readback), readback.bytes);
      result.readbacks.push_back(std::move(block));
    }
  } catch (...) {
    result = {};
    result.error = current_error();
  }
  return result;
}

void Queue::State::serve() {
  ThreadPool pool(threads);
  for (Job job; next(job);) {
    RunResult result = run(pool, job.request);
    job.request = {};  // the caller may look at its memory once it is told
    const Completion done = std::move(job.done);
    done(std::move(result));
  }
}

}  // namespace wavetile::cpu
