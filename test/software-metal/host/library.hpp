// Kernel libraries: shared objects that emulator/compile.mjs made.
#pragma once
#include <Metal/Metal.hpp>
#include <vector>

#include "../emulator/runtime/dispatch.hpp"
#include "objects.hpp"

namespace software_metal {

struct Library : MTL::Library {
  const Module* module = nullptr;  // its shared object is never unloaded
  std::string identity;            // of what it was made of, for archives
  std::string label_text;
};

struct Function : MTL::Function {
  NS::SharedPtr<Library> library;
  const Kernel* kernel = nullptr;
  std::vector<ConstantValue> constants;
  std::string label_text;
};

struct Pipeline : MTL::ComputePipelineState {
  NS::SharedPtr<Function> function;
};

MTL::Library* open_library(const std::string& path, NS::Error** error);
MTL::Library* open_library_bytes(const std::string& bytes, NS::Error** error);
MTL::Library* compile_library(const std::string& source, const MTL::CompileOptions* options, NS::Error** error);
const std::string& bytes_of(dispatch_data_t data);

}  // namespace software_metal
