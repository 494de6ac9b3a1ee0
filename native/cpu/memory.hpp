// Buffers and host blocks of the CPU device: both are plain memory from one pool.
#pragma once
#include <cstddef>
#include <memory>
#include <utility>

#include "device/pool.hpp"

namespace wavetile::cpu {

// Aligned to 64 bytes or more, with 64 bytes past the end that vector loads may read.
class Memory {
 public:
  explicit Memory(uint64_t bytes);  // data() is nullptr when the system has no more
  Memory(Memory&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), data_(other.data_), reserved_(other.reserved_) {}
  Memory& operator=(Memory&&) = delete;
  ~Memory();

  std::byte* data() const { return data_; }

 private:
  void* base_ = nullptr;
  std::byte* data_ = nullptr;
  uint64_t reserved_ = 0;
};

using MemoryPool = Pool<Memory>;

std::shared_ptr<MemoryPool> make_memory_pool(uint64_t limit_bytes);

class CpuBuffer final : public Buffer {
 public:
  CpuBuffer(uint64_t bytes, MemoryPool::Lease lease)
      : Buffer(bytes), data(lease.memory().data()), lease_(std::move(lease)) {}

  std::byte* const data;

 private:
  MemoryPool::Lease lease_;
};

class CpuHostBlock final : public HostBlock {
 public:
  CpuHostBlock(uint64_t bytes, MemoryPool::Lease lease)
      : HostBlock(lease.memory().data(), bytes), lease_(std::move(lease)) {}

 private:
  MemoryPool::Lease lease_;
};

std::shared_ptr<HostBlock> make_host_block(MemoryPool& pool, uint64_t bytes);

// Where the range begins. Throws std::invalid_argument for a buffer of another device kind.
std::byte* data_of(const BufferRange& range);

}  // namespace wavetile::cpu
