// A program: its commands as steps, with the barriers that they need. Each run encodes them anew.
#pragma once
#include <memory>
#include <vector>

#include "metal/encoder.hpp"

namespace wavetile::metal {

class MetalProgram final : public Program {
 public:
  MetalProgram(const Context& context, Pipelines& pipelines, std::vector<Command> commands);

  const Context* owner() const { return owner_; }
  const std::vector<Step>& steps() const { return steps_; }  // one for each command

 private:
  const Context* const owner_;
  const std::vector<Command> commands_;  // hold the buffers
  std::vector<Pipeline> pipelines_;
  std::vector<Step> steps_;
};

}  // namespace wavetile::metal
