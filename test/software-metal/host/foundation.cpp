// Strings, errors, paths, arrays, and the data objects of libdispatch.
#include <cstdio>
#include <cstdlib>

#include "objects.hpp"

namespace software_metal {
namespace {

struct String : NS::String {
  std::string text;
};
struct Error : NS::Error {
  NS::Integer number = 0;
  std::string domain_name, text;
};
struct Url : NS::URL {
  std::string path;
};
struct Array : NS::Array {
  std::vector<NS::SharedPtr<NS::Object>> objects;
};

struct ProcessInfo : NS::ProcessInfo {};

/** SOFTWARE_METAL_MACOS=<major>.<minor>: the system that this one acts as. */
const char* macos() {
  const char* version = getenv("SOFTWARE_METAL_MACOS");
  return version ? version : "26.0";
}

}  // namespace

bool is_macos(NS::Integer major, NS::Integer minor) {
  long our_major = 0, our_minor = 0;
  sscanf(macos(), "%ld.%ld", &our_major, &our_minor);
  return our_major > major || (our_major == major && our_minor >= minor);
}

void require_macos(NS::Integer major, const char* what) {
  if (!is_macos(major)) misuse("%s needs macOS %d", what, static_cast<int>(major));
}

NS::String* make_string(const std::string& text) {
  auto* string = new String;
  string->text = text;
  return autoreleased<NS::String>(string);
}

std::string text_of(const NS::String* string) { return string ? as<String>(string)->text : ""; }

NS::Array* make_array(std::vector<NS::SharedPtr<NS::Object>> objects) {
  auto* array = new Array;
  array->objects = std::move(objects);
  return array;
}

void set_error(NS::Error** error, const char* domain, NS::Integer code, const std::string& text) {
  if (!error) return;
  auto* made = new Error;
  made->number = code;
  made->domain_name = domain;
  made->text = text;
  *error = autoreleased<NS::Error>(made);
}

}  // namespace software_metal

namespace NS {

using software_metal::as;
using software_metal::make_string;

String* String::string() { return make_string(""); }
String* String::string(const char* text, StringEncoding) { return make_string(text); }
String* String::alloc() { return new software_metal::String; }
String* String::init() { return this; }
String* String::init(const char* text, StringEncoding) {
  as<software_metal::String>(this)->text = text;
  return this;
}
const char* String::utf8String() const { return as<software_metal::String>(this)->text.c_str(); }
const char* String::cString(StringEncoding) const { return utf8String(); }
UInteger String::length() const { return as<software_metal::String>(this)->text.size(); }
bool String::isEqualToString(const String* other) const {
  return software_metal::text_of(this) == software_metal::text_of(other);
}

String* Object::description() const { return make_string("<object>"); }
String* Object::debugDescription() const { return description(); }

Integer Error::code() const { return as<software_metal::Error>(this)->number; }
String* Error::domain() const { return make_string(as<software_metal::Error>(this)->domain_name); }
String* Error::localizedDescription() const { return make_string(as<software_metal::Error>(this)->text); }

URL* URL::fileURLWithPath(const String* path) {
  auto* url = new software_metal::Url;
  url->path = software_metal::text_of(path);
  return software_metal::autoreleased<URL>(url);
}
const char* URL::fileSystemRepresentation() const { return as<software_metal::Url>(this)->path.c_str(); }

Array* Array::array(const Object* object) {
  return software_metal::autoreleased(software_metal::make_array({RetainPtr(as<Object>(object))}));
}
UInteger Array::count() const { return as<software_metal::Array>(this)->objects.size(); }
Object* Array::at(UInteger index) const {
  const auto& objects = as<software_metal::Array>(this)->objects;
  if (index >= objects.size()) software_metal::misuse("array index %zu of %zu", size_t{index}, objects.size());
  return objects[index].get();
}

ProcessInfo* ProcessInfo::processInfo() { return software_metal::autoreleased(new software_metal::ProcessInfo); }
String* ProcessInfo::operatingSystemVersionString() const {
  return make_string(std::string("Version ") + software_metal::macos() + " (Software Metal)");
}
bool ProcessInfo::isOperatingSystemAtLeastVersion(OperatingSystemVersion version) const {
  return software_metal::is_macos(version.majorVersion, version.minorVersion);
}

}  // namespace NS

struct dispatch_data_s {
  std::string bytes;
};

extern "C" dispatch_data_t dispatch_data_create(const void* buffer, size_t size, dispatch_queue_t, dispatch_block_t) {
  return new dispatch_data_s{std::string(static_cast<const char*>(buffer), size)};
}
extern "C" void dispatch_release(dispatch_data_t data) { delete data; }

namespace software_metal {

const std::string& bytes_of(dispatch_data_t data) { return data->bytes; }

}  // namespace software_metal
