// Objective-C with automatic reference counting: MPSGraph has no C++ interface.
#include "metal/feed_forward_graph.hpp"

#import <Foundation/Foundation.h>
#import <Metal/Metal.h>
#import <MetalPerformanceShadersGraph/MetalPerformanceShadersGraph.h>

namespace wavetile::metal {

struct FeedForwardGraph::State {
  MPSGraph* const graph = [MPSGraph new];
  MPSGraphTensor *input, *gate, *up, *down, *output;

  MPSGraphTensor* placeholder(uint32_t rows, uint32_t columns) const {
    return [graph placeholderWithShape:@[ @(rows), @(columns) ] dataType:MPSDataTypeFloat16 name:nil];
  }
  MPSGraphTensor* product(MPSGraphTensor* rows, MPSGraphTensor* weights) const {
    MPSGraphTensor* turned = [graph transposeTensor:weights dimension:0 withDimension:1 name:nil];
    return [graph matrixMultiplicationWithPrimaryTensor:rows secondaryTensor:turned name:nil];
  }
  MPSGraphTensor* multiplied(MPSGraphTensor* a, MPSGraphTensor* b) const {
    return [graph multiplicationWithPrimaryTensor:a secondaryTensor:b name:nil];
  }
};

namespace {

// metal-cpp's objects are Metal's own.
MPSGraphTensorData* data_of(MPSGraphTensor* tensor, MTL::Buffer* buffer) {
  const auto own = (__bridge id<MTLBuffer>)static_cast<void*>(buffer);
  return [[MPSGraphTensorData alloc] initWithMTLBuffer:own shape:tensor.shape dataType:MPSDataTypeFloat16];
}

}  // namespace

FeedForwardGraph::FeedForwardGraph(const FeedForwardShape& shape) : state_(std::make_unique<State>()) {
  @autoreleasepool {
    State& state = *state_;
    state.input = state.placeholder(shape.rows, shape.columns);
    state.gate = state.placeholder(shape.inner, shape.columns);
    state.up = state.placeholder(shape.inner, shape.columns);
    state.down = state.placeholder(shape.columns, shape.inner);
    MPSGraphTensor* gated = state.product(state.input, state.gate);
    gated = state.multiplied(gated, [state.graph sigmoidWithTensor:gated name:nil]);
    gated = state.multiplied(gated, state.product(state.input, state.up));
    state.output = state.product(gated, state.down);
  }
}

FeedForwardGraph::~FeedForwardGraph() = default;

void FeedForwardGraph::run(MTL::CommandQueue* queue, const FeedForwardBuffers& buffers) {
  @autoreleasepool {
    const State& state = *state_;
    [state.graph runWithMTLCommandQueue:(__bridge id<MTLCommandQueue>)static_cast<void*>(queue)
                                  feeds:@{
                                    state.input : data_of(state.input, buffers.input),
                                    state.gate : data_of(state.gate, buffers.gate),
                                    state.up : data_of(state.up, buffers.up),
                                    state.down : data_of(state.down, buffers.down)
                                  }
                       targetOperations:nil
                      resultsDictionary:@{state.output : data_of(state.output, buffers.output)}];
  }
}

}  // namespace wavetile::metal
