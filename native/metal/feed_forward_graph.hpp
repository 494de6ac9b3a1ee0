// A feed-forward block by Apple's MPSGraph, in halves: down(silu(gate(x)) * up(x)). No device uses it: test/mpsgraph
// measures whether it is faster than our kernels.
#pragma once
#include <cstdint>
#include <memory>

namespace MTL {
class Buffer;
class CommandQueue;
}  // namespace MTL

namespace wavetile::metal {

struct FeedForwardShape {
  uint32_t rows, columns, inner;
};

// Halves, row by row: input and output [rows][columns], gate and up [inner][columns], down [columns][inner].
struct FeedForwardBuffers {
  MTL::Buffer *input, *gate, *up, *down, *output;
};

class FeedForwardGraph {
 public:
  explicit FeedForwardGraph(const FeedForwardShape& shape);
  ~FeedForwardGraph();

  // Returns when the output is there.
  void run(MTL::CommandQueue* queue, const FeedForwardBuffers& buffers);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace wavetile::metal
