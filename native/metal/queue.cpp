// Submission on the caller's thread while Metal takes more, else when a command buffer has ended.
#include "metal/queue.hpp"

#include <utility>

namespace wavetile::metal {
namespace {

// Fewer than the MTL::CommandQueue has: at its last it would block, and a thread of Metal's own must never wait for
// one.
constexpr uint32_t kMostUnderWay = kCommandBuffers / 2;

// What `done` holds may be the device itself: it goes without the queue's lock.
void complete(std::unique_ptr<Flight> flight) {
  RunResult result = flight->result();
  const Completion done = std::move(flight->done);
  flight.reset();  // memory goes back to the pool before the caller hears of it
  done(std::move(result));
}

}  // namespace

Queue::Queue(std::shared_ptr<Context> context, std::shared_ptr<Pipelines> pipelines)
    : context_(std::move(context)), pipelines_(std::move(pipelines)), transfers_(pipelines_->transfers()) {}

void Queue::submit(std::unique_ptr<Flight> flight) {
  Lock lock(mutex_);
  flight->number(++last_submitted_);
  flights_.push_back(std::move(flight));
  if (pump(lock)) return;
  // The caller may hold a lock that `done` takes.
  std::thread([self = shared_from_this()] {
    Lock lock(self->mutex_);
    self->complete_finished(lock);
  }).detach();
}

void Queue::stop() {
  Lock lock(mutex_);
  if (completing_ == std::this_thread::get_id()) return;
  changed_.wait(lock, [&] { return flights_.empty() && completing_ == std::thread::id(); });
}

// Encodes what Metal takes without blocking. False when a flight failed here.
bool Queue::pump(Lock& lock) {
  bool succeeded = true;
  if (encoding_) return succeeded;
  encoding_ = true;
  while (Flight* flight = next_to_encode()) {
    const uint32_t part = flight->encoded++;
    ++under_way_;
    lock.unlock();
    std::exception_ptr error;
    try {
      commit(*flight, part);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (!error) continue;  // the flight may have completed meanwhile
    succeeded = false;
    flight->error = error;
    ++flight->ended;
    --under_way_;
  }
  encoding_ = false;
  return succeeded;
}

Flight* Queue::next_to_encode() {
  for (; to_encode_ < flights_.size(); ++to_encode_) {
    if (flights_[to_encode_]->has_more()) return under_way_ < kMostUnderWay ? flights_[to_encode_].get() : nullptr;
  }
  return nullptr;
}

void Queue::commit(Flight& flight, uint32_t part) {
  const ScopedPool pool;
  context_->throw_if_lost();
  // Unretained: the flight and its program hold everything until the run has completed.
  MTL::CommandBuffer* buffer = context_->mtl_queue->commandBufferWithUnretainedReferences();
  if (!buffer) throw Error(ErrorCode::out_of_memory, context_->physical.info.name + " gives no command buffer");
  bool has_pass = false;
  {
    Encoder encoder(*context_, *buffer);
    flight.encode(encoder, transfers_, part);
    has_pass = encoder.has_pass();
  }
  buffer->addCompletedHandler(MTL::HandlerFunction(
      [self = shared_from_this(), &flight, part](MTL::CommandBuffer* ended) { self->ended(flight, part, *ended); }));
  buffer->commit();
  if (has_pass) context_->fence_updated = true;
}

// On a thread of Metal's.
void Queue::ended(Flight& flight, uint32_t part, const MTL::CommandBuffer& buffer) {
  const ScopedPool pool;
  Lock lock(mutex_);
  --under_way_;
  ++flight.ended;
  flight.note_times(part, buffer);
  if (buffer.status() == MTL::CommandBufferStatusError) {
    const RunFailure failure = failure_of(buffer, context_->physical.info.name);
    if (failure.lost) context_->lost = true;
    if (!flight.error) flight.error = failure.error;
  }
  pump(lock);
  complete_finished(lock);
}

void Queue::complete_finished(Lock& lock) {
  if (completing_ != std::thread::id()) return;  // that thread looks again
  while (!flights_.empty() && flights_.front()->finished()) {
    std::unique_ptr<Flight> flight = std::move(flights_.front());
    flights_.pop_front();
    ++last_ended_;
    if (to_encode_ > 0) --to_encode_;
    completing_ = std::this_thread::get_id();
    lock.unlock();
    complete(std::move(flight));
    lock.lock();
    completing_ = {};
  }
  changed_.notify_all();
}

}  // namespace wavetile::metal
