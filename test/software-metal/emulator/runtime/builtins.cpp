// What kernels ask for: bound pointers, positions, threadgroup memory.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "context.hpp"

namespace software_metal {

uint32_t lane_index() { return context->current % kSimdWidth; }

void* bound_pointer(Argument argument) {
  Context& c = *context;
  if (argument.kind == ArgumentKind::buffer) return c.dispatch->buffers[argument.index].data;
  if (!c.dispatch->threadgroup_bytes[argument.index])
    report("binding", "threadgroup memory %d has no length", argument.index);
  return c.threadgroup_memory + c.dynamic_offset[argument.index];
}

const unsigned* position(ArgumentKind kind) {
  Context& c = *context;
  const Dispatch& d = *c.dispatch;
  const uint32_t t = c.current;
  const uint32_t x = t % c.size[0], y = t / c.size[0] % c.size[1], z = t / c.size[0] / c.size[1];
  auto answer = [&c](unsigned first, unsigned second = 0, unsigned third = 0) {
    c.answer[0] = first;
    c.answer[1] = second;
    c.answer[2] = third;
    return c.answer;
  };
  auto vector = [&answer](const uint32_t* values) { return answer(values[0], values[1], values[2]); };
  switch (kind) {
    case ArgumentKind::thread_position_in_grid:
      return answer(c.group[0] * d.threads_per_group[0] + x, c.group[1] * d.threads_per_group[1] + y,
                    c.group[2] * d.threads_per_group[2] + z);
    case ArgumentKind::thread_position_in_threadgroup:
      return answer(x, y, z);
    case ArgumentKind::threadgroup_position_in_grid:
      return vector(c.group);
    case ArgumentKind::threads_per_threadgroup:
      return vector(c.size);
    case ArgumentKind::dispatch_threads_per_threadgroup:
      return vector(d.threads_per_group);
    case ArgumentKind::threads_per_grid:
      return vector(d.grid);
    case ArgumentKind::threadgroups_per_grid:
      return vector(c.groups);
    case ArgumentKind::thread_index_in_threadgroup:
      return answer(t);
    case ArgumentKind::thread_index_in_simdgroup:
      return answer(t % kSimdWidth);
    case ArgumentKind::simdgroup_index_in_threadgroup:
      return answer(t / kSimdWidth);
    case ArgumentKind::simdgroups_per_threadgroup:
      return answer(c.simdgroups);
    case ArgumentKind::threads_per_simdgroup:
      return answer(kSimdWidth);
    case ArgumentKind::buffer:
    case ArgumentKind::threadgroup_memory:
      break;
  }
  return answer(0);
}

uint32_t take_threadgroup_memory(Context& c, size_t bytes, size_t alignment) {
  const size_t offset = (c.threadgroup_bytes + alignment - 1) / alignment * alignment;
  if (offset + bytes > kMaxThreadgroupBytes) {
    fprintf(stderr, "software Metal: %s uses more than %u bytes of threadgroup memory\n", c.dispatch->kernel->name,
            kMaxThreadgroupBytes);
    abort();
  }
  c.threadgroup_bytes = static_cast<uint32_t>(offset + bytes);
  return static_cast<uint32_t>(offset);
}

void* threadgroup_variable(const void* key, size_t bytes, size_t alignment) {
  Context& c = *context;
  for (const ThreadgroupVariable& variable : c.variables)
    if (variable.key == key) return c.threadgroup_memory + variable.offset;
  const uint32_t offset = take_threadgroup_memory(c, bytes, alignment);
  uint8_t* memory = c.threadgroup_memory + offset;
  memset(memory, 0xff, bytes);
  if (c.is_checked) {
    const int index = static_cast<int>(c.variables.size());
    c.regions.push_back({memory, memory + bytes, c.threadgroup_cells + offset, true, "threadgroup variable", index});
  }
  c.variables.push_back({key, offset});
  return memory;
}

}  // namespace software_metal
