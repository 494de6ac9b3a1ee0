// Checks every memory access: bounds, initialisation of threadgroup memory, and order. Two accesses of a byte by
// different threads, one of them a write, need a barrier for that memory between them.
#include "checker.hpp"

#include <link.h>

#include <cstdio>

#include "context.hpp"
#include "scheduler.hpp"

namespace software_metal {
namespace {

constexpr size_t kNear = 4096;
Region constant_tables;  // of the kernel's library

Region* find_region(Context& c, const uint8_t* p) {
  auto holds = [p](const Region& region) { return p >= region.begin && p < region.end; };
  if (c.last_region < c.regions.size() && holds(c.regions[c.last_region])) return &c.regions[c.last_region];
  for (size_t i = 0; i < c.regions.size(); i++) {
    if (!holds(c.regions[i])) continue;
    c.last_region = i;
    return &c.regions[i];
  }
  return nullptr;
}

const char* name_of(AccessKind kind) {
  return kind == AccessKind::Atomic ? "atomic" : kind == AccessKind::Write ? "write" : "read";
}

/** One access of the current thread, and how it stands to earlier ones of the same bytes. */
struct Checker {
  Context& c;
  const uint8_t* p;
  size_t bytes;
  AccessKind kind;
  void* place;

  const Region* region = nullptr;
  uint32_t thread = 0, simdgroup = 0, threadgroup_epoch = 0, simdgroup_epoch = 0;
  Access self{};

  void enter(const Region& found) {
    region = &found;
    thread = c.current;
    simdgroup = thread / kSimdWidth;
    threadgroup_epoch = c.epochs.threadgroup[found.is_threadgroup] & 0xffff;
    simdgroup_epoch = c.epochs.simdgroup[found.is_threadgroup][simdgroup] & 0xffff;
    self = {c.epochs.serial << Access::kSerialShift | thread, threadgroup_epoch << 16 | simdgroup_epoch};
  }

  bool writes() const { return kind != AccessKind::Read; }
  bool is_same_group(const Access& other) const { return other.serial() == c.epochs.serial; }
  /** By this threadgroup, since its last barrier. */
  bool is_since_barrier(const Access& other) const {
    return is_same_group(other) && other.threadgroup_epoch() == threadgroup_epoch;
  }
  bool is_unordered(const Access& other) const {
    if (!other.owner) return false;
    if (!is_same_group(other)) return !region->is_threadgroup;  // in threadgroup memory: left by an earlier group
    if (!is_since_barrier(other)) return false;
    if (other.owner & Access::kManySimdgroups || other.thread() / kSimdWidth != simdgroup) return true;
    const bool is_other_thread = other.owner & Access::kManyLanes || other.thread() != thread;
    return is_other_thread && other.simdgroup_epoch() == simdgroup_epoch;
  }

  void report_race(const Access& other, const char* earlier, size_t byte) const {
    const char* who = is_same_group(other)               ? ""
                      : other.serial() <= c.first_serial ? " of another dispatch"
                                                         : " of another threadgroup";
    report("race", "%s after a %s by thread %u%s of %s %d, byte %zu, with no barrier between, at %s", name_of(kind),
           earlier, other.thread(), who, region->what, region->index, byte, source_line(place));
  }

  [[noreturn]] void refuse(const char* where) const {
    report("out-of-bounds", "%s of %zu bytes (%s) at %s", name_of(kind), bytes, where, source_line(place));
    end_thread(c);  // the access itself must not happen
  }

  [[noreturn]] void refuse_outside() const {
    char text[96];
    const char* where = "no bound buffer or threadgroup variable";
    for (const Region& near : c.regions) {
      if (p >= near.end && p < near.end + kNear)
        snprintf(text, sizeof text, "%zu bytes past the end of %s %d", static_cast<size_t>(p - near.end), near.what,
                 near.index);
      else if (p < near.begin && p + kNear > near.begin)
        snprintf(text, sizeof text, "%zu bytes before %s %d", static_cast<size_t>(near.begin - p), near.what,
                 near.index);
      else
        continue;
      where = text;
    }
    refuse(reinterpret_cast<uintptr_t>(p) < 65536 ? "an unbound buffer" : where);
  }

  [[noreturn]] void refuse_overrun() const {
    char text[96];
    snprintf(text, sizeof text, "runs past the end of %s %d", region->what, region->index);
    refuse(text);
  }

  void note_write(Cell& cell, bool both_atomic) const {
    const bool by_many = both_atomic && (cell.write.owner & ~Access::kAtomic) != self.owner;
    cell.write = self;
    if (kind == AccessKind::Atomic) cell.write.owner |= Access::kAtomic;
    if (by_many) cell.write.owner |= Access::kManySimdgroups;
  }

  void note_read(Cell& cell) const {
    Access& read = cell.read;
    if (!is_since_barrier(read)) {
      const bool by_other_group = read.owner && !region->is_threadgroup && !is_same_group(read);
      read = self;
      if (by_other_group) read.owner |= Access::kManySimdgroups;
    } else if (read.thread() / kSimdWidth != simdgroup) {
      read.owner |= Access::kManySimdgroups;
    } else if (read.simdgroup_epoch() != simdgroup_epoch) {
      if (!(read.owner & Access::kManySimdgroups)) read.owner = self.owner;
      read.epoch = self.epoch;
    } else if (read.thread() != thread) {
      read.owner |= Access::kManyLanes;
    }
  }

  /** False after a problem: the other bytes would have the same one. */
  bool check(Cell& cell, size_t byte) const {
    if (region->is_threadgroup && !writes() && !is_same_group(cell.write)) {
      report("uninitialised", "read of %s %d, byte %zu, not written in this threadgroup, at %s", region->what,
             region->index, byte, source_line(place));
      return false;
    }
    const bool both_atomic = kind == AccessKind::Atomic && cell.write.owner & Access::kAtomic;
    if (!both_atomic && is_unordered(cell.write)) {
      report_race(cell.write, "write", byte);
      cell.write = {writes() ? self.owner : 0, self.epoch};
      return false;
    }
    if (writes() && is_unordered(cell.read)) {
      report_race(cell.read, "read", byte);
      cell.read.owner = 0;
      return false;
    }
    if (writes())
      note_write(cell, both_atomic);
    else
      note_read(cell);
    return true;
  }
};

}  // namespace

void check_access(const volatile void* address, size_t bytes, AccessKind kind, void* place) {
  Context* c = context;
  if (!c || !c->is_checked || !c->dispatch) return;
  const auto* p = static_cast<const uint8_t*>(const_cast<const void*>(address));
  if (p >= c->current_stack && p < c->current_stack + kStackBytes) return;  // the thread's own variables
  Checker checker{*c, p, bytes, kind, place};
  const Region* region = find_region(*c, p);
  if (!region) {
    if (p >= constant_tables.begin && p + bytes <= constant_tables.end) return;
    checker.refuse_outside();
  }
  checker.enter(*region);
  if (p + bytes > region->end) checker.refuse_overrun();
  const size_t first = static_cast<size_t>(p - region->begin);
  const Cell before = region->cells[first];
  if (!checker.check(region->cells[first], first)) return;
  const Cell after = region->cells[first];
  for (size_t i = first + 1; i < first + bytes; i++) {
    Cell& cell = region->cells[i];
    if (cell == before)
      cell = after;  // most often all bytes of a number have one history
    else if (!checker.check(cell, i))
      return;
  }
}

void prepare_checker(const Dispatch& dispatch) {
  constant_tables = {};
  auto visit = [](dl_phdr_info* library, size_t, void* kernel) {
    uint8_t *begin = nullptr, *end = nullptr;
    for (int i = 0; i < library->dlpi_phnum; i++) {
      const auto& segment = library->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD) continue;
      auto* start = reinterpret_cast<uint8_t*>(library->dlpi_addr + segment.p_vaddr);
      if (!begin || start < begin) begin = start;
      if (start + segment.p_memsz > end) end = start + segment.p_memsz;
    }
    if (kernel < begin || kernel >= end) return 0;
    constant_tables.begin = begin;
    constant_tables.end = end;
    return 1;
  };
  dl_iterate_phdr(visit, const_cast<Kernel*>(dispatch.kernel));
}

}  // namespace software_metal
