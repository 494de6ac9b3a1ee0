// Large blocks come straight from the system in huge pages, and go straight back to it.
#include "cpu/memory.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "cpu/system.hpp"

namespace wavetile::cpu {
namespace {

constexpr uint64_t kAlignment = 64, kSlack = 64;
constexpr uint64_t kHugePage = 2ull << 20;
constexpr uint64_t kWorthAsking = 64ull << 10;

std::atomic<uint64_t> allocated_bytes = 0;  // by all CPU devices of this process

uint64_t round_up(uint64_t bytes, uint64_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

Memory::Memory(uint64_t bytes) {
  if (bytes < kHugePage) {
    reserved_ = round_up(bytes + kSlack, kAlignment);
    base_ = std::aligned_alloc(kAlignment, reserved_);
    data_ = static_cast<std::byte*>(base_);
  } else {
    reserved_ = round_up(bytes + kSlack, kHugePage) + kHugePage;  // room to begin at a huge page
    void* mapped = mmap(nullptr, reserved_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped != MAP_FAILED) {
      base_ = mapped;
      data_ = reinterpret_cast<std::byte*>(round_up(reinterpret_cast<uintptr_t>(mapped), kHugePage));
#ifdef MADV_HUGEPAGE
      madvise(data_, reserved_ - kHugePage, MADV_HUGEPAGE);
#endif
    }
  }
  if (base_) allocated_bytes += reserved_;
}

Memory::~Memory() {
  if (!base_) return;
  allocated_bytes -= reserved_;
  if (reserved_ > kHugePage) {
    munmap(base_, reserved_);
  } else {
    std::free(base_);
  }
}

std::shared_ptr<MemoryPool> make_memory_pool(uint64_t limit_bytes) {
  MemoryPool::System system;
  system.allocate = [](PoolKind, uint64_t bytes) -> std::optional<Memory> {
    // Asking costs some 50 microseconds, too much for many small blocks.
    if (bytes >= kWorthAsking && bytes > free_memory_bytes(allocated_bytes)) return std::nullopt;
    Memory memory(bytes);
    if (!memory.data()) return std::nullopt;
    return memory;
  };
  system.free_bytes = [] { return free_memory_bytes(allocated_bytes); };
  return std::make_shared<MemoryPool>(std::move(system), PoolLimits{limit_bytes, memory_bytes() / 4});
}

std::shared_ptr<HostBlock> make_host_block(MemoryPool& pool, uint64_t bytes) {
  return std::make_shared<CpuHostBlock>(bytes, pool.take(PoolKind::host, bytes));
}

std::byte* data_of(const BufferRange& range) {
  const auto* buffer = dynamic_cast<const CpuBuffer*>(range.buffer.get());
  if (!buffer) throw std::invalid_argument("memory of another device");
  return buffer->data + range.offset;
}

}  // namespace wavetile::cpu
