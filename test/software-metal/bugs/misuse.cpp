// Uses of Metal's API that the host has to refuse, and some that it has to allow: `misuse <library> <name>` does one.
#include <Metal/Metal.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>

namespace {

MTL::Device* device;
MTL::CommandQueue* queue;
MTL::ComputePipelineState* pipeline;
MTL::Buffer *triples, *addends, *sums;
const char* library_path;

MTL::Buffer* make_buffer(size_t bytes, MTL::ResourceOptions options = MTL::ResourceStorageModeShared) {
  return device->newBuffer(bytes, options);
}

void bind(MTL::ComputeCommandEncoder* encoder, MTL::Buffer* output = sums) {
  encoder->setComputePipelineState(pipeline);
  encoder->setBuffer(triples, 0, 0);
  encoder->setBuffer(addends, 0, 1);
  encoder->setBuffer(output, 0, 2);
}

void dispatch_two(MTL::ComputeCommandEncoder* encoder) { encoder->dispatchThreads({2, 1, 1}, {2, 1, 1}); }

void finish(MTL::CommandBuffer* commands) {
  commands->commit();
  commands->waitUntilCompleted();
}

/** Ends the process with status 1 where the kernel's result is not there. */
void expect_sums(MTL::CommandBuffer* commands) {
  const auto* result = static_cast<const float*>(sums->contents());
  const bool is_right = result[0] == 2 + 1 && result[1] == 2 + 1;
  if (commands->status() != MTL::CommandBufferStatusCompleted || !is_right) exit(1);
}

void set_up(const char* library) {
  NS::AutoreleasePool::alloc()->init();
  library_path = library;
  device = MTL::CreateSystemDefaultDevice();
  queue = device->newCommandQueue();
  NS::Error* error = nullptr;
  auto* opened = device->newLibrary(NS::String::string(library, NS::UTF8StringEncoding), &error);
  if (!opened) exit(2);
  pipeline = device->newComputePipelineState(opened->newFunction(MTLSTR("add_f32")), &error);
  triples = make_buffer(24);
  addends = make_buffer(8);
  sums = make_buffer(8);
  for (int i = 0; i < 6; i++) static_cast<float*>(triples->contents())[i] = 1;
  for (int i = 0; i < 2; i++) static_cast<float*>(addends->contents())[i] = 1;
}

void dispatch() {
  auto* commands = queue->commandBuffer();
  auto* encoder = commands->computeCommandEncoder();
  bind(encoder);
  dispatch_two(encoder);
  encoder->endEncoding();
  finish(commands);
  expect_sums(commands);
}

void dispatch_with(MTL::Library* library) {
  if (!library) exit(1);
  NS::Error* error = nullptr;
  pipeline = device->newComputePipelineState(library->newFunction(MTLSTR("add_f32")), &error);
  dispatch();
}

/** Two encoders that write a buffer which Metal does not track. */
void write_twice(MTL::Fence* fence) {
  auto* untracked = make_buffer(8, MTL::ResourceHazardTrackingModeUntracked);
  auto* commands = queue->commandBuffer();
  for (int i = 0; i < 2; i++) {
    auto* encoder = commands->computeCommandEncoder();
    if (fence && i > 0) encoder->waitForFence(fence);
    bind(encoder, untracked);
    dispatch_two(encoder);
    if (fence) encoder->updateFence(fence);
    encoder->endEncoding();
  }
  finish(commands);
}

/** A set of the queue's with the kernel's inputs. */
MTL::ResidencySet* wire_inputs() {
  auto* set = device->newResidencySet(MTL::ResidencySetDescriptor::alloc()->init(), nullptr);
  queue->addResidencySet(set);
  set->addAllocation(triples);
  set->addAllocation(addends);
  set->commit();
  set->requestResidency();
  return set;
}

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::map<std::string, void (*)()> allowed = {
    {"a dispatch", dispatch},
    {"a grid from a buffer",
     [] {
       auto* commands = queue->commandBuffer();
       const uint32_t groups[] = {2, 1, 1};
       auto* indirect = device->newBuffer(groups, sizeof groups, MTL::ResourceStorageModeShared);
       auto* encoder = commands->computeCommandEncoder(MTL::DispatchTypeConcurrent);
       bind(encoder);
       encoder->dispatchThreadgroups(indirect, 0, {1, 1, 1});
       encoder->endEncoding();
       indirect->release();
       finish(commands);
       expect_sums(commands);
     }},
    {"concurrent dispatches with a barrier",
     [] {
       auto* commands = queue->commandBuffer();
       auto* encoder = commands->computeCommandEncoder(MTL::DispatchTypeConcurrent);
       bind(encoder);
       for (int i = 0; i < 2; i++) {
         dispatch_two(encoder);
         encoder->memoryBarrier(MTL::BarrierScopeBuffers);
       }
       encoder->endEncoding();
       finish(commands);
       expect_sums(commands);
     }},
    {"parts of a buffer in concurrent dispatches",
     [] {
       auto* commands = queue->commandBuffer();
       auto* encoder = commands->computeCommandEncoder(MTL::DispatchTypeConcurrent);
       auto* parts = make_buffer(16);
       bind(encoder, parts);
       dispatch_two(encoder);
       encoder->setBuffer(parts, 8, 2);
       dispatch_two(encoder);
       encoder->endEncoding();
       finish(commands);
       if (commands->status() == MTL::CommandBufferStatusError) exit(1);
     }},
    {"an untracked buffer in two encoders with a fence", [] { write_twice(device->newFence()); }},
    {"memory that stays wired",
     [] {
       auto* set = wire_inputs();
       set->addAllocation(sums);
       set->commit();
       dispatch();
       for (auto* buffer : {triples, addends, sums}) set->removeAllocation(buffer);
       set->commit();
       set->release();
     }},
    {"a library from bytes",
     [] {
       const std::string bytes = read_file(library_path);
       auto data = dispatch_data_create(bytes.data(), bytes.size(), nullptr, DISPATCH_DATA_DESTRUCTOR_DEFAULT);
       NS::Error* error = nullptr;
       dispatch_with(device->newLibrary(data, &error));
       dispatch_release(data);
     }},
    {"a library from source",
     [] {
       const char* source =
           "#include <metal_stdlib>\n"
           "kernel void add_f32(device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],\n"
           "                    device float* sum [[buffer(2)]], uint i [[thread_position_in_grid]]) {\n"
           "  sum[i] = a[3 * i] + a[3 * i + 1] * a[3 * i + 2] + b[i];\n"
           "}\n";
       NS::Error* error = nullptr;
       dispatch_with(device->newLibrary(NS::String::string(source, NS::UTF8StringEncoding), nullptr, &error));
     }},
};

const std::map<std::string, void (*)()> refused = {
    {"commit with an encoder open",
     [] {
       auto* commands = queue->commandBuffer();
       commands->computeCommandEncoder();
       commands->commit();
     }},
    {"two encoders open",
     [] {
       auto* commands = queue->commandBuffer();
       commands->computeCommandEncoder();
       commands->blitCommandEncoder();
     }},
    {"use after endEncoding",
     [] {
       auto* encoder = queue->commandBuffer()->computeCommandEncoder();
       encoder->endEncoding();
       bind(encoder);
     }},
    {"commit twice",
     [] {
       auto* commands = queue->commandBuffer();
       commands->commit();
       commands->commit();
     }},
    {"wait before commit", [] { queue->commandBuffer()->waitUntilCompleted(); }},
    {"too many threads in a threadgroup",
     [] {
       auto* encoder = queue->commandBuffer()->computeCommandEncoder();
       bind(encoder);
       encoder->dispatchThreads({2048, 1, 1}, {2048, 1, 1});
     }},
    {"setBytes of more than 4096 bytes",
     [] {
       static const char bytes[5000] = {};
       queue->commandBuffer()->computeCommandEncoder()->setBytes(bytes, sizeof bytes, 0);
     }},
    {"setBytes for what the kernel writes",
     [] {
       const float values[2] = {};
       auto* encoder = queue->commandBuffer()->computeCommandEncoder();
       bind(encoder);
       encoder->setBytes(values, sizeof values, 2);
       dispatch_two(encoder);
     }},
    {"concurrent dispatches without a barrier",
     [] {
       auto* encoder = queue->commandBuffer()->computeCommandEncoder(MTL::DispatchTypeConcurrent);
       bind(encoder);
       dispatch_two(encoder);
       encoder->setBuffer(sums, 0, 1);
       encoder->setBuffer(addends, 0, 2);
       dispatch_two(encoder);
     }},
    {"concurrent dispatches that write overlapping parts of a buffer",  // only the checked build sees it
     [] {
       auto* commands = queue->commandBuffer();
       auto* encoder = commands->computeCommandEncoder(MTL::DispatchTypeConcurrent);
       auto* parts = make_buffer(16);
       bind(encoder, parts);
       dispatch_two(encoder);
       encoder->setBuffer(parts, 4, 2);
       dispatch_two(encoder);
       encoder->endEncoding();
       finish(commands);
       if (commands->status() == MTL::CommandBufferStatusError) abort();
     }},
    {"an untracked buffer in two encoders without a fence", [] { write_twice(nullptr); }},
    {"a fence that nobody updates",
     [] { queue->commandBuffer()->computeCommandEncoder()->waitForFence(device->newFence()); }},
    {"a buffer that the residency set lacks",
     [] {
       wire_inputs();
       dispatch();
     }},
    {"a residency set that was not committed",
     [] {
       wire_inputs()->addAllocation(sums);
       dispatch();
     }},
    {"a residency set that ended",
     [] {
       auto* set = wire_inputs();
       set->addAllocation(sums);
       set->commit();
       set->endResidency();
       dispatch();
     }},
    {"memory that is left in its residency set",
     [] {
       auto* set = device->newResidencySet(MTL::ResidencySetDescriptor::alloc()->init(), nullptr);
       set->addAllocation(sums);
       set->commit();
       set->release();
     }},
    {"a release too many",
     [] {
       auto* buffer = make_buffer(16);
       buffer->release();
       buffer->release();
     }},
    {"autorelease without a pool", [] { std::thread([] { queue->commandBuffer(); }).join(); }},
    {"a buffer released while the GPU uses it",
     [] {
       auto* buffer = make_buffer(8);
       auto* commands = queue->commandBufferWithUnretainedReferences();
       auto* event = device->newSharedEvent();
       commands->encodeWait(event, 1);
       auto* encoder = commands->computeCommandEncoder();
       bind(encoder, buffer);
       dispatch_two(encoder);
       encoder->endEncoding();
       commands->commit();
       buffer->release();
       event->setSignaledValue(1);
       commands->waitUntilCompleted();
     }},
    {"contents of a private buffer", [] { memset(make_buffer(8, MTL::ResourceStorageModePrivate)->contents(), 0, 8); }},
    {"the CPU writes past the end of a buffer", [] { memset(make_buffer(8)->contents(), 0, 32); }},
    {"a fill that is not a multiple of 4 bytes",
     [] {
       queue->commandBuffer()->blitCommandEncoder()->fillBuffer(sums, {0, 3}, 0);
     }},
    {"a grid from past the end of a buffer",
     [] {
       auto* encoder = queue->commandBuffer()->computeCommandEncoder();
       bind(encoder);
       encoder->dispatchThreadgroups(triples, 16, {1, 1, 1});
     }},
    {"a grid from what an earlier dispatch writes, without a barrier",
     [] {
       auto* encoder = queue->commandBuffer()->computeCommandEncoder(MTL::DispatchTypeConcurrent);
       auto* grid = make_buffer(16);
       bind(encoder, grid);
       dispatch_two(encoder);
       bind(encoder);
       encoder->dispatchThreadgroups(grid, 0, {1, 1, 1});
     }},
    {"a copy past the end of a buffer",
     [] { queue->commandBuffer()->blitCommandEncoder()->copyFromBuffer(triples, 0, sums, 0, 64); }},
};

}  // namespace

int main(int count, char** words) {
  if (count == 2 && !strcmp(words[1], "--list")) {
    for (const auto& [name, use] : refused) puts(name.c_str());
    return 0;
  }
  if (count != 3) return 2;
  set_up(words[1]);
  auto use = allowed.find(words[2]);
  if (use == allowed.end() && (use = refused.find(words[2])) == refused.end()) return 2;
  use->second();
  return 0;
}
