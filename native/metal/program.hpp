// A program: its commands as steps, with the barriers that they need. Each run encodes them anew.
#pragma once
#include <memory>
#include <vector>

#include "metal/encoder.hpp"
#include "metal/memory.hpp"

namespace wavetile::metal {

class MetalProgram final : public Program {
 public:
  MetalProgram(const Context& context, Pipelines& pipelines, const std::vector<Command>& commands);

  const Context* owner() const { return owner_; }
  const std::vector<Step>& steps() const { return steps_; }  // one for each command
  void number(uint64_t run) const;                           // tells its buffers

 private:
  const Context* const owner_;
  std::vector<std::shared_ptr<MetalBuffer>> buffers_;  // that the commands use, each once
  std::vector<Pipeline> pipelines_;
  std::vector<Step> steps_;
};

}  // namespace wavetile::metal
