// Runs one kernel on software Metal: `run_kernel <library> <kernel> [--<option> <value>]...`. A buffer is a file, which
// is read before and written after. Prints the problems found, then the number of objects that were not released.
#include <Metal/Metal.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" long software_metal_live_objects();

namespace {

struct Constant {
  MTL::DataType type;
  uint32_t bits;
};

/** What the command line asks for; maps are by index. */
struct Request {
  std::string library, kernel;
  std::map<int, std::string> buffers, bytes;
  std::map<int, size_t> threadgroup_bytes;
  std::map<int, Constant> constants;
  MTL::Size groups{1, 1, 1}, threads{32, 1, 1};
};

MTL::Size read_size(const std::string& text) {
  unsigned w = 1, h = 1, d = 1;
  sscanf(text.c_str(), "%u,%u,%u", &w, &h, &d);
  return {w, h, d};
}

std::string read_hex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

/** "bool:1" or "uint:7". */
Constant read_constant(const std::string& text) {
  const size_t colon = text.find(':');
  const auto bits = static_cast<uint32_t>(std::stoul(text.substr(colon + 1)));
  return {text.substr(0, colon) == "bool" ? MTL::DataTypeBool : MTL::DataTypeUInt, bits};
}

Request read_request(int count, char** words) {
  if (count < 3) throw std::invalid_argument("usage: run_kernel <library> <kernel> [--<option> <value>]...");
  Request request;
  request.library = words[1];
  request.kernel = words[2];
  for (int i = 3; i + 1 < count; i += 2) {
    const std::string option = words[i], value = words[i + 1];
    const size_t colon = value.find(':');
    const std::string rest = colon == std::string::npos ? "" : value.substr(colon + 1);
    const int index = atoi(value.c_str());
    if (option == "--groups")
      request.groups = read_size(value);
    else if (option == "--threads")
      request.threads = read_size(value);
    else if (option == "--buffer")
      request.buffers[index] = rest;
    else if (option == "--bytes")
      request.bytes[index] = read_hex(rest);
    else if (option == "--memory")
      request.threadgroup_bytes[index] = std::stoul(rest);
    else if (option == "--constant")
      request.constants[index] = read_constant(rest);
    else
      throw std::invalid_argument("no option " + option);
  }
  return request;
}

NS::String* make_string(const std::string& text) { return NS::String::string(text.c_str(), NS::UTF8StringEncoding); }

template <class T>
NS::SharedPtr<T> must(T* object, NS::Error* const& error) {
  if (!object) throw std::runtime_error(error ? error->localizedDescription()->utf8String() : "unknown error");
  return NS::TransferPtr(object);
}

NS::SharedPtr<MTL::ComputePipelineState> make_pipeline(MTL::Device* device, const Request& request) {
  NS::Error* error = nullptr;
  auto* path = NS::URL::fileURLWithPath(make_string(request.library));
  auto library = must(device->newLibrary(path, &error), error);
  auto values = NS::TransferPtr(MTL::FunctionConstantValues::alloc()->init());
  for (const auto& [index, constant] : request.constants)
    values->setConstantValue(&constant.bits, constant.type, static_cast<NS::UInteger>(index));
  auto function = must(library->newFunction(make_string(request.kernel), values.get(), &error), error);
  return must(device->newComputePipelineState(function.get(), &error), error);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/** Returns the problems found. */
std::string run(const Request& request) {
  auto device = NS::TransferPtr(MTL::CreateSystemDefaultDevice());
  auto queue = NS::TransferPtr(device->newCommandQueue());
  auto pipeline = make_pipeline(device.get(), request);
  std::map<int, NS::SharedPtr<MTL::Buffer>> buffers;
  auto* commands = queue->commandBuffer();
  auto* encoder = commands->computeCommandEncoder();
  encoder->setComputePipelineState(pipeline.get());
  for (const auto& [index, path] : request.buffers) {
    const std::string content = read_file(path);
    buffers[index] = NS::TransferPtr(device->newBuffer(content.data(), content.size(), MTL::ResourceStorageModeShared));
    encoder->setBuffer(buffers[index].get(), 0, static_cast<NS::UInteger>(index));
  }
  for (const auto& [index, bytes] : request.bytes)
    encoder->setBytes(bytes.data(), bytes.size(), static_cast<NS::UInteger>(index));
  for (const auto& [index, bytes] : request.threadgroup_bytes)
    encoder->setThreadgroupMemoryLength(bytes, static_cast<NS::UInteger>(index));
  encoder->dispatchThreadgroups(request.groups, request.threads);
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  for (const auto& [index, path] : request.buffers) {
    std::ofstream file(path, std::ios::binary);
    file.write(static_cast<const char*>(buffers[index]->contents()),
               static_cast<std::streamsize>(buffers[index]->length()));
  }
  NS::Error* error = commands->error();
  return error ? error->localizedDescription()->utf8String() : "";
}

}  // namespace

int main(int count, char** words) {
  std::string problems;
  auto* pool = NS::AutoreleasePool::alloc()->init();
  try {
    problems = run(read_request(count, words));
  } catch (const std::exception& error) {
    problems = std::string(error.what()) + "\n";
  }
  pool->release();
  printf("%slive objects: %ld\n", problems.c_str(), software_metal_live_objects());
  return problems.empty() ? 0 : 1;
}
