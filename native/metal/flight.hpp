// A run from submission to completion: what its command buffers do, and what came of them.
#pragma once
#include <exception>
#include <memory>
#include <span>
#include <vector>

#include "metal/program.hpp"

namespace wavetile::metal {

// Its parts are command buffers: some steps each, the uploads before the first and the readbacks behind the last. A
// timed run has a part for the uploads, one for each command, one for the readbacks.
class Flight {
 public:
  // `readbacks` has one block for each of the request's ranges.
  Flight(RunRequest request, std::vector<std::shared_ptr<HostBlock>> readbacks, Completion done);

  void number(uint64_t run) const;  // tells the buffers that it uses
  bool has_more() const { return encoded < parts_ && !error; }
  bool finished() const { return ended == encoded && !has_more(); }
  void encode(Encoder& encoder, const Transfers& transfers, uint32_t part) const;
  void note_times(uint32_t part, const MTL::CommandBuffer& buffer);
  RunResult result();

  Completion done;
  uint32_t encoded = 0, ended = 0;  // parts
  std::exception_ptr error;

 private:
  const MetalProgram* program() const { return static_cast<const MetalProgram*>(request_.program.get()); }
  std::span<const Step> steps_of(uint32_t part) const;
  void encode_uploads(Encoder& encoder, const Transfers& transfers) const;
  void encode_readbacks(Encoder& encoder, const Transfers& transfers) const;

  const RunRequest request_;
  std::vector<std::shared_ptr<HostBlock>> readbacks_;
  uint32_t parts_ = 1;
  struct Seconds {
    double begin = 0, end = 0;
  };
  std::vector<Seconds> times_;  // of the device's clock
};

}  // namespace wavetile::metal
