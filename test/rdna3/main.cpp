// rdna3_isa [--subgroup N] [--constant ID=VALUE]... FILE.spv: prints "name = value" lines, an empty line, the assembly.
// With RADV and RADV_FORCE_FAMILY=phoenix or navi31 this is the code of an RDNA3 GPU, which need not be there.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "compiler.hpp"

namespace {

std::vector<uint32_t> read_words(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const auto* words = reinterpret_cast<const uint32_t*>(bytes.data());
  return {words, words + bytes.size() / 4};
}

void print(const Compilation& compilation) {
  std::cout << "Device = " << compilation.device << "\nSubgroup size = " << compilation.subgroup_size << "\n";
  for (const auto& [name, value] : compilation.statistics) std::cout << name << " = " << value << "\n";
  std::cout << "\n" << compilation.assembly << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  CompileOptions options;
  std::string path;
  for (int i = 1; i < argc; i++) {
    const std::string_view argument = argv[i];
    uint32_t id = 0, value = 0;
    if (argument == "--subgroup" && i + 1 < argc) {
      options.subgroup_size = static_cast<uint32_t>(std::stoul(argv[++i]));
    } else if (argument == "--constant" && i + 1 < argc && std::sscanf(argv[++i], "%u=%u", &id, &value) == 2) {
      options.constants[id] = value;
    } else {
      path = argument;
    }
  }
  try {
    print(Compiler().compile(read_words(path), options));
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
