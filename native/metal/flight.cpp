// Uploads, the program's steps and readbacks, with a barrier between them where they share a command buffer.
#include "metal/flight.hpp"

#include <algorithm>

#include "device/hazards.hpp"
#include "metal/memory.hpp"

namespace wavetile::metal {

Flight::Flight(RunRequest request, std::vector<std::shared_ptr<HostBlock>> readbacks, Completion done)
    : done(std::move(done)), request_(std::move(request)), readbacks_(std::move(readbacks)) {
  if (!request_.timed || !request_.program) return;
  times_.resize(program()->steps().size());
  parts_ = static_cast<uint32_t>(times_.size()) + 2;
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
  if (parts_ > 1) {
    if (part == 0) return encode_uploads(encoder, transfers);
    if (part + 1 == parts_) return encode_readbacks(encoder, transfers);
    return encoder.encode(program()->steps()[part - 1]);
  }
  encode_uploads(encoder, transfers);
  if (program()) {
    if (!request_.uploads.empty()) encoder.barrier();
    for (const Step& step : program()->steps()) encoder.encode(step);
  }
  if (readbacks_.empty()) return;
  encoder.barrier();
  encode_readbacks(encoder, transfers);
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
