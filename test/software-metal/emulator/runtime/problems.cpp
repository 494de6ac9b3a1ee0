// Collects problems; each is reported once for its kernel, kind and place.
#include "problems.hpp"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <unordered_set>

#include "context.hpp"

namespace software_metal {
namespace {

constexpr int kTooMany = 1000;
std::mutex mutex;
std::string text;
std::unordered_set<std::string> seen;
std::atomic<int> count{0};

std::string place() {
  const Context* c = context;
  if (!c || !c->dispatch) return "";
  char place[256];
  snprintf(place, sizeof place, " [kernel %s, threadgroup (%u,%u,%u), thread %u]", c->dispatch->kernel->name,
           c->group[0], c->group[1], c->group[2], c->current);
  return place;
}

}  // namespace

void report(const char* kind, const char* format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  std::string key = kind;
  if (context && context->dispatch) key += context->dispatch->kernel->name;
  if (const char* at = strstr(message, " at ")) key += at;
  std::lock_guard lock(mutex);
  count++;
  if (seen.insert(key).second) text += std::string(kind) + ": " + message + place() + "\n";
}

void clear_problems() {
  std::lock_guard lock(mutex);
  text.clear();
  seen.clear();
  count = 0;
}

std::string problems() {
  std::lock_guard lock(mutex);
  return text;
}

bool has_too_many_problems() {
  if (count <= kTooMany) return false;
  report("stopped", "more than %d problems", kTooMany);
  return true;
}

}  // namespace software_metal
