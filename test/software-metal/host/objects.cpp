// Reference counts, autorelease pools, the count of live objects.
#include "objects.hpp"

#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace software_metal {
namespace {

constexpr uint32_t kAlive = 0x4f424a31, kDead = 0xdeadbeef;
// Memory is never reused with this, so that each message to a released object is caught.
const bool keeps_zombies = getenv("SOFTWARE_METAL_ZOMBIES") != nullptr;
std::atomic<long> live_objects{0};
std::atomic<int> committed{0};

struct Pool;
thread_local std::vector<Pool*> pools;

struct Pool : NS::AutoreleasePool {
  std::vector<const NS::CountedObject*> objects;

  ~Pool() override {
    if (pools.empty() || pools.back() != this) {
      bool is_open = false;
      for (const Pool* pool : pools) is_open |= pool == this;
      misuse("autorelease pool drained %s", is_open ? "while a later one is open" : "on another thread");
    }
    pools.pop_back();
    for (size_t i = objects.size(); i-- > 0;) NS::ObjectAccess::drop_reference(objects[i]);
  }
};

}  // namespace

void misuse(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "software Metal: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  abort();
}

void note_committed() { committed++; }
void note_finished() { committed--; }
void note_permanent() { live_objects--; }

namespace {

struct Report {
  ~Report() {
    if (getenv("SOFTWARE_METAL_REPORT")) fprintf(stderr, "live objects: %ld\n", software_metal_live_objects());
  }
} report;

}  // namespace

}  // namespace software_metal

using software_metal::misuse;

extern "C" long software_metal_live_objects() {
  constexpr int kAttempts = 1000;
  for (int i = 0; i < kAttempts && software_metal::committed > 0; i++)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return software_metal::live_objects;
}

namespace NS {

void ObjectAccess::check_alive(const CountedObject* object, const char* message) {
  if (!object) misuse("%s sent to null", message);
  if (object->state_ != software_metal::kAlive)
    misuse("%s sent to a released object %p", message, static_cast<const void*>(object));
}

CountedObject::CountedObject() : state_(software_metal::kAlive) { software_metal::live_objects++; }

CountedObject::~CountedObject() {
  state_ = software_metal::kDead;
  software_metal::live_objects--;
}

void CountedObject::add_reference() const {
  ObjectAccess::check_alive(this, "retain");
  __atomic_add_fetch(&references_, 1, __ATOMIC_RELAXED);
}

void CountedObject::drop_reference() const {
  ObjectAccess::check_alive(this, "release");
  if (__atomic_sub_fetch(&references_, 1, __ATOMIC_ACQ_REL) > 0) return;
  if (software_metal::keeps_zombies)
    const_cast<CountedObject*>(this)->~CountedObject();
  else
    delete this;
}

void CountedObject::drop_reference_later() const {
  ObjectAccess::check_alive(this, "autorelease");
  if (software_metal::pools.empty())
    misuse("object %p autoreleased with no pool in place: it leaks", static_cast<const void*>(this));
  software_metal::pools.back()->objects.push_back(this);
}

UInteger CountedObject::references() const { return __atomic_load_n(&references_, __ATOMIC_RELAXED); }

AutoreleasePool* AutoreleasePool::alloc() { return new software_metal::Pool; }
AutoreleasePool* AutoreleasePool::init() {
  software_metal::pools.push_back(static_cast<software_metal::Pool*>(this));
  return this;
}
void AutoreleasePool::drain() { release(); }
void AutoreleasePool::addObject(Object* object) { static_cast<software_metal::Pool*>(this)->objects.push_back(object); }

}  // namespace NS
