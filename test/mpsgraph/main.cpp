// mpsgraph_benchmark [rows [columns [inner]]]: a feed-forward block in halves by our kernels and by MPSGraph. Prints
// the milliseconds of a run and the first result, which has to be the same: all inputs are alike, and so are all
// weights.
#include <Metal/Metal.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>

#include "device/device.hpp"
#include "metal/feed_forward_graph.hpp"

namespace {

using namespace wavetile;

constexpr uint32_t kRuns = 20, kSide = 64, kTile = 128;
constexpr uint32_t kInput = 0x30003000, kWeight = 0x20002000;  // pairs of halves: 1/8, 1/128

template <class Run>
double milliseconds(const Run& run) {
  run();
  const auto begin = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < kRuns; ++i) run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count() / kRuns;
}

RunResult run_on(Device& device, RunRequest request) {
  std::promise<RunResult> promise;
  device.run(std::move(request), [&](RunResult&& result) { promise.set_value(std::move(result)); });
  RunResult result = promise.get_future().get();
  if (result.error) std::rethrow_exception(result.error);
  return result;
}

DispatchCommand dispatch(const char* kernel, std::vector<BufferRange> buffers, const std::vector<uint32_t>& params) {
  std::vector<std::byte> bytes(params.size() * 4);
  std::memcpy(bytes.data(), params.data(), bytes.size());
  return {find_kernel(kernel), std::move(buffers), std::move(bytes), {}, {1, 1, 1}, {}};
}

DispatchCommand project(const BufferRange& weights, const BufferRange& input, const BufferRange& output,
                        std::array<uint32_t, 3> shape) {
  const auto [rows, outputs, inputs] = shape;
  DispatchCommand command = dispatch("project_matrix_coop", {weights, input, input, input, output},
                                     {rows, outputs, inputs / 32, outputs, 0, 0});
  command.constants = {1, 0, 1, 0, 0, kSide, 0};  // weights and inputs are halves
  command.grid = {(rows + kSide - 1) / kSide, (outputs + kTile - 1) / kTile, 1};
  return command;
}

void measure_kernels(uint32_t rows, uint32_t columns, uint32_t inner) {
  const std::shared_ptr<Device> device = metal_backend().open(0, {});
  std::vector<Command> filling;
  const auto filled = [&](uint64_t numbers, uint64_t bytes, uint32_t value) {
    const BufferRange range{device->allocate(numbers * bytes), 0, numbers * bytes};
    filling.push_back(FillCommand{range, value});
    return range;
  };
  const uint64_t values = uint64_t{rows} * columns, hidden = uint64_t{rows} * inner,
                 weights = uint64_t{inner} * columns;
  const BufferRange input = filled(values, 2, kInput), output = filled(values, 4, 0);
  const BufferRange gate_up = filled(weights, 4, kWeight), down = filled(weights, 2, kWeight);
  const BufferRange gated = filled(hidden, 8, 0), active = filled(hidden, 2, 0), blocks = filled(hidden / 32, 16, 0);
  DispatchCommand activate = dispatch("activate_rows", {gated, active, blocks}, {rows, inner, 2 * inner});
  activate.constants = {0, 1};  // SiLU, to halves
  activate.grid = {(rows * (inner / 32) + 7) / 8, 1, 1};
  run_on(*device, {device->create_program(filling), {}, {}, false});
  const auto program = device->create_program({project(gate_up, input, gated, {rows, 2 * inner, columns}), activate,
                                               project(down, active, output, {rows, columns, inner})});
  const double time = milliseconds([&] { run_on(*device, {program, {}, {}, false}); });
  const RunResult result = run_on(*device, {nullptr, {}, {{output.buffer, 0, 4}}, false});
  std::printf("kernels   %8.3f ms   %g\n", time, *reinterpret_cast<const float*>(result.readbacks[0]->data));
}

void measure_graph(uint32_t rows, uint32_t columns, uint32_t inner) {
  const auto device = NS::TransferPtr(MTL::CreateSystemDefaultDevice());
  const auto queue = NS::TransferPtr(device->newCommandQueue());
  const auto filled = [&](uint32_t height, uint32_t width, uint32_t value) {
    const uint64_t pairs = uint64_t{height} * width / 2;
    auto buffer = NS::TransferPtr(device->newBuffer(pairs * 4, MTL::ResourceStorageModeShared));
    std::fill_n(static_cast<uint32_t*>(buffer->contents()), pairs, value);
    return buffer;
  };
  const auto input = filled(rows, columns, kInput), output = filled(rows, columns, 0);
  const auto gate = filled(inner, columns, kWeight), up = filled(inner, columns, kWeight);
  const auto down = filled(columns, inner, kWeight);
  metal::FeedForwardGraph graph({rows, columns, inner});
  const double time = milliseconds([&] {
    graph.run(queue.get(), {input.get(), gate.get(), up.get(), down.get(), output.get()});
  });
  std::printf("MPSGraph  %8.3f ms   %g\n", time,
              static_cast<double>(*static_cast<const _Float16*>(output->contents())));
}

}  // namespace

int main(int count, char** words) {
  const auto number = [&](int at, uint32_t otherwise) {
    return count > at ? static_cast<uint32_t>(std::strtoul(words[at], nullptr, 10)) : otherwise;
  };
  const uint32_t rows = number(1, 512), columns = number(2, 2048), inner = number(3, 5632);
  measure_kernels(rows, columns, inner);
  measure_graph(rows, columns, inner);
}
