// Kernel libraries and their functions; a function is a kernel with values for its function constants.
#include "library.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "resources.hpp"

namespace software_metal {
namespace {

constexpr const char* kDomain = "MTLLibraryErrorDomain";
enum ErrorCode { kUnsupported = 1, kCompileFailure = 3, kFunctionNotFound = 6 };

struct Value {
  int type;
  std::string bytes;
};
struct ConstantValues : MTL::FunctionConstantValues {
  std::map<int, Value> by_index;
  std::map<std::string, Value> by_name;

  const Value* find(const FunctionConstant& constant) const {
    if (auto named = by_name.find(constant.name); named != by_name.end()) return &named->second;
    if (auto indexed = by_index.find(constant.index); indexed != by_index.end()) return &indexed->second;
    return nullptr;
  }
};
struct CompileOptions : MTL::CompileOptions {
  MTL::LanguageVersion version = MTL::LanguageVersion3_1;
  bool is_fast = true;

  std::string flags() const {
    return std::string(version >= MTL::LanguageVersion3_2 ? " --std metal3.2" : "") + (is_fast ? " --fast-math" : "");
  }
};

size_t bytes_of_type(MTL::DataType type) {
  switch (type) {
    case MTL::DataTypeFloat:
    case MTL::DataTypeInt:
    case MTL::DataTypeUInt:
      return 4;
    case MTL::DataTypeHalf:
    case MTL::DataTypeShort:
    case MTL::DataTypeUShort:
      return 2;
    case MTL::DataTypeChar:
    case MTL::DataTypeUChar:
    case MTL::DataTypeBool:
      return 1;
    case MTL::DataTypeNone:
      break;
  }
  misuse("data type %d is not supported", static_cast<int>(type));
}

Value make_value(const void* value, MTL::DataType type) {
  return {static_cast<int>(type), std::string(static_cast<const char*>(value), bytes_of_type(type))};
}

bool needs(const Kernel& kernel, const char* constant) {
  for (const char* const* used = kernel.used_constants; *used; used++)
    if (!strcmp(*used, constant)) return true;
  return false;
}

const Kernel* find_kernel(const Module& module, const std::string& name) {
  for (int i = 0; i < module.kernel_count; i++)
    if (name == module.kernels[i].name) return &module.kernels[i];
  return nullptr;
}

/** Takes the values for the kernel's constants. Returns what is wrong, or an empty string. */
std::string take_constants(Function& function, const Module& module, const ConstantValues* values) {
  for (int i = 0; i < module.constant_count; i++) {
    const FunctionConstant& constant = module.constants[i];
    const std::string name = std::string("function constant ") + constant.name;
    const Value* value = values ? values->find(constant) : nullptr;
    if (value) {
      if (value->type != constant.type) return name + " has another type";
      ConstantValue taken{constant.index, {}};
      memcpy(taken.data, value->bytes.data(), value->bytes.size());
      function.constants.push_back(taken);
    } else if (needs(*function.kernel, constant.name)) {
      return name + " is used by " + function.kernel->name + " and has no value";
    }
  }
  return "";
}

MTL::Function* make_function(Library* library, const std::string& name, const ConstantValues* values,
                             NS::Error** error) {
  const Kernel* kernel = find_kernel(*library->module, name);
  if (!kernel) {
    set_error(error, kDomain, kFunctionNotFound, "no function " + name);
    return nullptr;
  }
  auto* function = new Function;
  function->library = NS::RetainPtr(library);
  function->kernel = kernel;
  const std::string problem = take_constants(*function, *library->module, values);
  if (problem.empty()) return function;
  function->release();
  set_error(error, kDomain, kCompileFailure, problem);
  return nullptr;
}

std::string read_text(const std::string& path) {
  std::string text;
  FILE* file = fopen(path.c_str(), "r");
  if (!file) return text;
  char part[4096];
  while (size_t bytes = fread(part, 1, sizeof part, file)) text.append(part, bytes);
  fclose(file);
  return text;
}

/** Opens what the compiler makes. Keeps it at `path`, where there is one, for other processes too. */
MTL::Library* compile_into(const std::string& path, const std::string& compiler, const std::string& source,
                           NS::Error** error) {
  char folder[] = "/tmp/software-metal-XXXXXX";
  if (!mkdtemp(folder)) misuse("no temporary folder");
  const std::string base = std::string(folder) + "/library";
  FILE* file = fopen((base + ".metal").c_str(), "w");
  if (!file || fputs(source.c_str(), file) < 0 || fclose(file)) misuse("the source cannot be written to %s", folder);
  std::string made = base + ".metallib";
  if (!path.empty()) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    made = path + strrchr(folder, '-') + ".part";
  }
  const std::string command = compiler + " " + base + ".metal " + made + " 2> " + base + ".log";
  MTL::Library* library = nullptr;
  if (system(command.c_str()) == 0) {
    if (!path.empty() && rename(made.c_str(), path.c_str()) == 0) made = path;
    library = open_library(made, error);
  } else {
    set_error(error, kDomain, kCompileFailure, read_text(base + ".log"));
  }
  for (const char* extension : {".metal", ".metallib", ".log"}) unlink((base + extension).c_str());
  rmdir(folder);
  return library;
}

}  // namespace

MTL::Library* open_library(const std::string& path, NS::Error** error) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* symbol = handle ? dlsym(handle, "software_metal_module") : nullptr;
  if (!symbol) {
    const char* reason = dlerror();
    set_error(error, kDomain, kUnsupported, "not a library of software Metal: " + path + ": " + (reason ? reason : ""));
    return nullptr;
  }
  auto* library = new Library;
  library->module = static_cast<const Module*>(symbol);
  return library;
}

MTL::Library* open_library_bytes(const std::string& bytes, NS::Error** error) {
  const int file = memfd_create("metallib", 0);
  if (file < 0 || write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    set_error(error, kDomain, kUnsupported, "the library cannot be copied");
    return nullptr;
  }
  return open_library("/proc/self/fd/" + std::to_string(file), error);
}

MTL::Library* compile_library(const std::string& source, const MTL::CompileOptions* options, NS::Error** error) {
  const char* program = getenv("SOFTWARE_METAL_COMPILER");  // as `node .../compile.mjs`, with options
  if (!program) {
    set_error(error, kDomain, kUnsupported, "SOFTWARE_METAL_COMPILER does not name the compiler");
    return nullptr;
  }
  const std::string flags = options ? as<CompileOptions>(options)->flags() : " --fast-math";
  const std::string compiler = program + flags;
  const std::string identity = std::to_string(std::hash<std::string>()(compiler + "\n" + source));
  const char* cache = getenv("SOFTWARE_METAL_CACHE");
  const std::string path = cache && *cache ? std::string(cache) + "/" + identity + ".metallib" : "";
  const bool is_cached = !path.empty() && access(path.c_str(), R_OK) == 0;
  MTL::Library* library = is_cached ? open_library(path, error) : compile_into(path, compiler, source, error);
  if (library) as<Library>(library)->identity = identity;
  return library;
}

}  // namespace software_metal

SOFTWARE_METAL_LABEL(Library, Library)
SOFTWARE_METAL_LABEL(Function, Function)

namespace MTL {

using software_metal::as;
using software_metal::ConstantValues;

CompileOptions* CompileOptions::alloc() { return new software_metal::CompileOptions; }
CompileOptions* CompileOptions::init() { return this; }
void CompileOptions::setFastMathEnabled(bool is_fast) {
  if (software_metal::is_macos(15)) software_metal::misuse("setFastMathEnabled is deprecated from macOS 15 on");
  as<software_metal::CompileOptions>(this)->is_fast = is_fast;
}
void CompileOptions::setMathMode(MathMode mode) {
  software_metal::require_macos(15, "setMathMode");
  as<software_metal::CompileOptions>(this)->is_fast = mode != MathModeSafe;
}
void CompileOptions::setLanguageVersion(LanguageVersion version) {
  if (version >= LanguageVersion3_2) software_metal::require_macos(15, "MSL 3.2");
  as<software_metal::CompileOptions>(this)->version = version;
}

FunctionConstantValues* FunctionConstantValues::alloc() { return new ConstantValues; }
FunctionConstantValues* FunctionConstantValues::init() { return this; }
void FunctionConstantValues::setConstantValue(const void* value, DataType type, NS::UInteger index) {
  as<ConstantValues>(this)->by_index[static_cast<int>(index)] = software_metal::make_value(value, type);
}
void FunctionConstantValues::setConstantValues(const void* values, DataType type, NS::Range range) {
  const size_t bytes = software_metal::bytes_of_type(type);
  for (NS::UInteger i = 0; i < range.length; i++)
    setConstantValue(static_cast<const char*>(values) + i * bytes, type, range.location + i);
}
void FunctionConstantValues::setConstantValue(const void* value, DataType type, const NS::String* name) {
  as<ConstantValues>(this)->by_name[software_metal::text_of(name)] = software_metal::make_value(value, type);
}
void FunctionConstantValues::reset() {
  as<ConstantValues>(this)->by_index.clear();
  as<ConstantValues>(this)->by_name.clear();
}

NS::String* Function::name() const {
  return software_metal::make_string(as<software_metal::Function>(this)->kernel->name);
}
NS::Array* Library::functionNames() const {
  const software_metal::Module& module = *as<software_metal::Library>(this)->module;
  std::vector<NS::SharedPtr<NS::Object>> names;
  for (int i = 0; i < module.kernel_count; i++)
    names.push_back(NS::RetainPtr<NS::Object>(software_metal::make_string(module.kernels[i].name)));
  return software_metal::autoreleased(software_metal::make_array(std::move(names)));
}
Function* Library::newFunction(const NS::String* name) {
  return software_metal::make_function(as<software_metal::Library>(this), software_metal::text_of(name), nullptr,
                                       nullptr);
}
Function* Library::newFunction(const NS::String* name, const FunctionConstantValues* values, NS::Error** error) {
  return software_metal::make_function(as<software_metal::Library>(this), software_metal::text_of(name),
                                       values ? as<ConstantValues>(values) : nullptr, error);
}

}  // namespace MTL
