// Large blocks come straight from the system in huge pages, and go straight back to it.
#include "cpu/memory.hpp"

#include <atomic>
#include <new>
#include <stdexcept>

#include "cpu/system.hpp"

namespace wavetile::cpu {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr uint64_t kSlack = 64;
constexpr uint64_t kHugePage = 2ull << 20;
constexpr uint64_t kWorthAsking = 64ull << 10;

std::atomic<uint64_t> allocated_bytes = 0;  // by all CPU devices of this process

uint64_t round_up(uint64_t bytes, uint64_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

Memory::Memory(uint64_t bytes) {
  if (bytes < kHugePage) {
    reserved_ = bytes + kSlack;
    base_ = ::operator new(reserved_, kAlignment, std::nothrow);
    data_ = static_cast<std::byte*>(base_);
  } else {
    reserved_ = round_up(bytes + kSlack, kHugePage) + kHugePage;  // room to begin at a huge page
    base_ = map_pages(reserved_);
    if (base_) data_ = reinterpret_cast<std::byte*>(round_up(reinterpret_cast<uintptr_t>(base_), kHugePage));
  }
  if (base_) allocated_bytes += reserved_;
}

Memory::~Memory() {
  if (!base_) return;
  allocated_bytes -= reserved_;
  if (reserved_ >= 2 * kHugePage) {
    unmap_pages(base_, reserved_);
  } else {
    ::operator delete(base_, kAlignment);
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
