// What all objects of the software Metal host share: misuse ends the process, and objects know whether they are alive.
#pragma once
#include <Foundation/Foundation.hpp>
#include <string>
#include <vector>

namespace NS {

struct ObjectAccess {
  static void drop_reference(const CountedObject* object) { object->drop_reference(); }
  static void check_alive(const CountedObject* object, const char* message);
};

}  // namespace NS

namespace software_metal {

/** As Metal's API validation does: says what is wrong, and aborts. */
[[noreturn, gnu::format(printf, 1, 2)]] void misuse(const char* format, ...);

/** The implementation of an object that was handed to us. Metal's `const` says nothing about our state. */
template <class Implementation, class Interface>
Implementation* as(const Interface* object, const char* message = __builtin_FUNCTION()) {
  NS::ObjectAccess::check_alive(object, message);
  return static_cast<Implementation*>(const_cast<Interface*>(object));
}

template <class T>
T* autoreleased(T* object) {
  object->autorelease();
  return object;
}

bool is_macos(NS::Integer major, NS::Integer minor = 0);
/** Ends the process where the system is older: there is no such class or message. */
void require_macos(NS::Integer major, const char* what);
NS::String* make_string(const std::string& text);
std::string text_of(const NS::String* string);
NS::Array* make_array(std::vector<NS::SharedPtr<NS::Object>> objects);
/** Sets `*error` where the caller asked for one. */
void set_error(NS::Error** error, const char* domain, NS::Integer code, const std::string& text);

/** Command buffers that are committed and not yet released by their queue. */
void note_committed();
void note_finished();
/** Leaves an object that lives as long as the process out of the count. */
void note_permanent();

}  // namespace software_metal

/** Objects alive, other than the device, once all committed work is done. */
extern "C" long software_metal_live_objects();
