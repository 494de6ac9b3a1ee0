// What JavaScript holds of a file that is loaded from.
#pragma once
#include <memory>
#include <utility>

#include "handle.hpp"
#include "io/file.hpp"

namespace wavetile::binding {

struct FileHandle {
  static const napi_type_tag tag;
  static constexpr const char* noun = "file";
  explicit FileHandle(std::shared_ptr<io::File> file) : file(std::move(file)) {}

  std::shared_ptr<io::File> file;  // empty once closed; loads in flight keep it
};

void export_files(Napi::Env env, Napi::Object exports);

}  // namespace wavetile::binding
