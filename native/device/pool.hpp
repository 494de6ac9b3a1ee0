// Keeps freed memory for reuse in size buckets, and does the accounting behind MemoryInfo. One per device.
//
// Use: a backend wraps one piece of system memory in a move-only type `Memory` whose destructor frees it, gives the
// pool a function that makes one, and holds what `take` returns (a Lease) inside its Buffer or HostBlock. The Lease's
// destructor gives the memory back to the pool. Everything is safe from any thread.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "device/device.hpp"

namespace wavetile {

inline constexpr uint64_t kSmallestBucket = 256;
inline constexpr uint64_t kLargeBytes = 64ull << 20;  // above: rounded to kLargeStep instead of four steps per octave
inline constexpr uint64_t kLargeStep = 2ull << 20;

uint64_t bucket_bytes(uint64_t bytes);  // the size really allocated: at most a quarter more than asked for

enum class PoolKind : uint8_t { device, host };

struct PoolLimits {
  uint64_t total_bytes = 0;          // in use and pooled together; 0: no limit
  uint64_t kept_bytes = UINT64_MAX;  // pooled at most; beyond it the largest go first
};

[[noreturn]] void throw_out_of_memory(uint64_t asked_bytes, uint64_t free_bytes, uint64_t limit_bytes);

template <class Memory>
class Pool : public std::enable_shared_from_this<Pool<Memory>> {
  using Blocks = std::multimap<uint64_t, Memory>;  // by size: a hit is one search, its node moves in and out whole
  using Node = typename Blocks::node_type;

 public:
  struct System {
    std::function<std::optional<Memory>(PoolKind, uint64_t bytes)> allocate;  // empty: the system has no more
    std::function<uint64_t()> free_bytes;                                     // what the system says
  };

  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept : pool_(std::move(other.pool_)), kind_(other.kind_), node_(std::move(other.node_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_) pool_->give(kind_, std::move(node_));
    }

    Memory& memory() { return node_.mapped(); }
    const Memory& memory() const { return node_.mapped(); }
    uint64_t bytes() const { return node_.key(); }  // of the bucket

   private:
    friend class Pool;
    Lease(std::shared_ptr<Pool> pool, PoolKind kind, Node node)
        : pool_(std::move(pool)), kind_(kind), node_(std::move(node)) {}

    std::shared_ptr<Pool> pool_;
    PoolKind kind_ = PoolKind::device;
    Node node_;
  };

  Pool(System system, PoolLimits limits) : system_(std::move(system)), limits_(limits) {}

  // A pooled block when one fits, else a new one. When there is no room: clears the pool, tries once more, throws
  // Error(out_of_memory).
  Lease take(PoolKind kind, uint64_t asked_bytes) {
    const uint64_t bytes = bucket_bytes(asked_bytes);
    if (Node node = find(kind, bytes)) return lease(kind, std::move(node));
    if (!reserve(bytes)) throw_out_of_memory(asked_bytes, info().free_bytes, limits_.total_bytes);
    Node node;
    try {
      node = make(kind, bytes);
      if (!node) clear();
      if (!node) node = make(kind, bytes);
    } catch (...) {
      unreserve(bytes);
      throw;
    }
    if (node) return lease(kind, std::move(node));
    unreserve(bytes);
    throw_out_of_memory(asked_bytes, info().free_bytes, limits_.total_bytes);
  }

  void clear() {
    std::array<Blocks, 2> dropped;
    const std::lock_guard lock(mutex_);
    for (Blocks& blocks : blocks_) {
      for (const auto& [bytes, memory] : blocks) info_.pooled_bytes -= bytes;
    }
    dropped.swap(blocks_);
  }

  MemoryInfo info() const {
    const uint64_t system_free = system_.free_bytes();
    const std::lock_guard lock(mutex_);
    MemoryInfo info = info_;
    info.free_bytes = system_free + info.pooled_bytes;
    if (limits_.total_bytes) {
      info.free_bytes = std::min(info.free_bytes, limits_.total_bytes - std::min(limits_.total_bytes, info.live_bytes));
    }
    return info;
  }

 private:
  Lease lease(PoolKind kind, Node node) { return Lease(this->shared_from_this(), kind, std::move(node)); }

  Node find(PoolKind kind, uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    Blocks& blocks = blocks_[static_cast<size_t>(kind)];
    const auto found = blocks.lower_bound(bytes);
    if (found == blocks.end() || found->first > bytes + bytes / 4) return {};
    info_.pooled_bytes -= found->first;
    info_.live_bytes += found->first;
    info_.peak_bytes = std::max(info_.peak_bytes, info_.live_bytes);
    return blocks.extract(found);
  }

  bool reserve(uint64_t bytes) {
    std::vector<Node> dropped;  // freed when the lock is gone
    const std::lock_guard lock(mutex_);
    const auto over_limit = [&] {
      return limits_.total_bytes && info_.live_bytes + info_.pooled_bytes + bytes > limits_.total_bytes;
    };
    if (limits_.total_bytes && info_.live_bytes + bytes > limits_.total_bytes) return false;
    while (over_limit() && info_.pooled_bytes) dropped.push_back(extract_largest());
    if (over_limit()) return false;
    info_.live_bytes += bytes;
    return true;
  }

  void unreserve(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    info_.live_bytes -= bytes;
  }

  Node make(PoolKind kind, uint64_t bytes) {
    std::optional<Memory> memory = system_.allocate(kind, bytes);
    if (!memory) return {};
    Blocks one;
    one.emplace(bytes, std::move(*memory));
    const std::lock_guard lock(mutex_);
    ++info_.allocations;
    info_.peak_bytes = std::max(info_.peak_bytes, info_.live_bytes);
    return one.extract(one.begin());
  }

  void give(PoolKind kind, Node node) noexcept {
    Node dropped;
    do {
      dropped = {};  // frees the one before, without the lock
      const std::lock_guard lock(mutex_);
      if (node) {
        info_.live_bytes -= node.key();
        info_.pooled_bytes += node.key();
        blocks_[static_cast<size_t>(kind)].insert(std::move(node));
      }
      if (info_.pooled_bytes > limits_.kept_bytes) dropped = extract_largest();
    } while (dropped);
  }

  Node extract_largest() {
    const auto largest = [](const Blocks& blocks) { return blocks.empty() ? 0 : blocks.rbegin()->first; };
    Blocks& blocks = largest(blocks_[0]) >= largest(blocks_[1]) ? blocks_[0] : blocks_[1];
    info_.pooled_bytes -= blocks.rbegin()->first;
    return blocks.extract(std::prev(blocks.end()));
  }

  const System system_;
  const PoolLimits limits_;
  mutable std::mutex mutex_;
  MemoryInfo info_;
  std::array<Blocks, 2> blocks_;
};

}  // namespace wavetile
