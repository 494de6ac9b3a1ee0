// Uploads, the program's steps and readbacks, with a barrier between them where they share a command buffer.
#include "metal/flight.hpp"

#include <algorithm>

#include "device/hazards.hpp"
#include "metal/memory.hpp"

namespace wavetile::metal {
namespace {

// Of a command buffer: macOS stops one that keeps the screen waiting, and the GPU begins while the next is encoded.
constexpr size_t kSteps = 48;

}  // namespace

Flight::Flight(RunRequest request, std::vector<std::shared_ptr<HostBlock>> readbacks, Completion done)
    : done(std::move(done)), request_(std::move(request)), readbacks_(std::move(readbacks)) {
  if (!program()) return;
  const size_t steps = program()->steps().size();
  if (request_.timed) times_.resize(steps);
  const size_t parts = request_.timed ? steps + 2 : std::max<size_t>(1, (steps + kSteps - 1) / kSteps);
  parts_ = static_cast<uint32_t>(parts);
}

void Flight::number(uint64_t run) const {
  const auto tell = [run](Buffer& buffer) {
    if (auto* ours = dynamic_cast<MetalBuffer*>(&buffer)) ours->last_run = run;
  };
  for (const Upload& upload : request_.uploads) tell(*upload.to.buffer);
  for (const BufferRange& range : request_.readbacks) tell(*range.buffer);
  if (program()) program()->number(run);
}

void Flight::encode(Encoder& encoder, const Transfers& transfers, uint32_t part) const {
  if (part == 0 && !request_.uploads.empty()) {
    encode_uploads(encoder, transfers);
    encoder.barrier();
  }
  for (const Step& step : steps_of(part)) encoder.encode(step);
  if (part + 1 < parts_ || readbacks_.empty()) return;
  encoder.barrier();
  encode_readbacks(encoder, transfers);
}

std::span<const Step> Flight::steps_of(uint32_t part) const {
  if (!program()) return {};
  const std::span<const Step> all = program()->steps();
  if (!request_.timed) return all.subspan(part * kSteps, std::min(kSteps, all.size() - part * kSteps));
  return part == 0 || part + 1 == parts_ ? std::span<const Step>() : all.subspan(part - 1, 1);
}

void Flight::encode_uploads(Encoder& encoder, const Transfers& transfers) const {
  Hazards hazards;
  for (const Upload& upload : request_.uploads) {
    const std::vector<RangeAccess> written{{&upload.to, Access::write}};
    if (hazards.conflict(written)) {
      encoder.barrier();
      hazards.clear();
    }
    hazards.add(written);
    const Place from{encoder.own(*upload.from), upload.from_offset};
    encoder.encode(copy_step(transfers, from, encoder.place(upload.to), upload.to.bytes));
  }
}

void Flight::encode_readbacks(Encoder& encoder, const Transfers& transfers) const {
  for (size_t i = 0; i < readbacks_.size(); ++i) {
    const BufferRange& range = request_.readbacks[i];
    encoder.encode(copy_step(transfers, encoder.place(range), {encoder.own(*readbacks_[i]), 0}, range.bytes));
  }
}

void Flight::note_times(uint32_t part, const MTL::CommandBuffer& buffer) {
  if (part > 0 && part <= times_.size()) times_[part - 1] = {buffer.GPUStartTime(), buffer.GPUEndTime()};
}

RunResult Flight::result() {
  RunResult result;
  result.error = error;
  if (error) return result;
  result.readbacks = std::move(readbacks_);
  const auto since_first_us = [&](double seconds) { return std::max(0.0, (seconds - times_[0].begin) * 1e6); };
  for (uint32_t i = 0; i < times_.size(); ++i) {
    result.times.push_back({i, since_first_us(times_[i].begin), since_first_us(times_[i].end)});
  }
  return result;
}

}  // namespace wavetile::metal
