// Stands in for metal-cpp's Foundation.hpp on Linux: the part that the Metal backend uses, same names and signatures.
#pragma once
#include <dispatch/dispatch.h>

#include <cstddef>
#include <cstdint>
#include <functional>

#include "NSSharedPtr.hpp"

using CFTimeInterval = double;

namespace NS {

using UInteger = std::uintptr_t;
using Integer = std::intptr_t;
using TimeInterval = double;
enum StringEncoding : UInteger { ASCIIStringEncoding = 1, UTF8StringEncoding = 4 };

struct Range {
  UInteger location, length;

  Range(UInteger loc, UInteger len) : location(loc), length(len) {}
  static Range Make(UInteger loc, UInteger len) { return {loc, len}; }
  UInteger Max() const { return location + length; }
};

/** In the place of objc_object: counts references, and knows whether it is alive. */
class CountedObject {
 protected:
  CountedObject();
  virtual ~CountedObject();
  CountedObject(const CountedObject&) = delete;
  CountedObject& operator=(const CountedObject&) = delete;

  void add_reference() const;
  void drop_reference() const;
  void drop_reference_later() const;
  UInteger references() const;

 private:
  friend struct ObjectAccess;
  mutable UInteger references_ = 1;
  mutable std::uint32_t state_;
};

template <class C, class B = class Object>
class Referencing : public B {
 public:
  C* retain() {
    this->add_reference();
    return static_cast<C*>(this);
  }
  void release() { this->drop_reference(); }
  C* autorelease() {
    this->drop_reference_later();
    return static_cast<C*>(this);
  }
  UInteger retainCount() const { return this->references(); }
};

class Object : public Referencing<Object, CountedObject> {
 public:
  UInteger hash() const { return reinterpret_cast<UInteger>(this); }
  bool isEqual(const Object* object) const { return object == this; }
  class String* description() const;
  class String* debugDescription() const;

 protected:
  Object() = default;
};

template <class C, class B = Object>
class Copying : public Referencing<C, B> {};

class String : public Copying<String> {
 public:
  static String* string();
  static String* string(const char* text, StringEncoding encoding);
  static String* alloc();
  String* init();
  String* init(const char* text, StringEncoding encoding);
  const char* utf8String() const;
  const char* cString(StringEncoding encoding) const;
  UInteger length() const;
  bool isEqualToString(const String* other) const;
};

class Error : public Copying<Error> {
 public:
  Integer code() const;
  String* domain() const;
  String* localizedDescription() const;
};

class URL : public Copying<URL> {
 public:
  static URL* fileURLWithPath(const String* path);
  const char* fileSystemRepresentation() const;
};

class Array : public Copying<Array> {
 public:
  static Array* array(const Object* object);
  UInteger count() const;
  template <class T = Object>
  T* object(UInteger index) const {
    return static_cast<T*>(at(index));
  }

 private:
  Object* at(UInteger index) const;
};

struct OperatingSystemVersion {
  Integer majorVersion, minorVersion, patchVersion;
};

class ProcessInfo : public Referencing<ProcessInfo> {
 public:
  static ProcessInfo* processInfo();
  String* operatingSystemVersionString() const;
  bool isOperatingSystemAtLeastVersion(OperatingSystemVersion version) const;
};

class AutoreleasePool : public Object {
 public:
  static AutoreleasePool* alloc();
  AutoreleasePool* init();
  void drain();
  void addObject(Object* object);
};

}  // namespace NS

// metal-cpp makes a constant here, which needs no pool.
#define MTLSTR(literal) NS::String::string(literal, NS::UTF8StringEncoding)
