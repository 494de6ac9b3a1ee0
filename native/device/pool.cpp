// Bucket sizes and the one out-of-memory message.
#include "device/pool.hpp"

#include <bit>
#include <limits>

namespace wavetile {

uint64_t bucket_bytes(uint64_t bytes) {
  if (bytes <= kSmallestBucket) return kSmallestBucket;
  if (bytes > std::numeric_limits<uint64_t>::max() - kLargeStep) return bytes;
  const uint64_t step = bytes > kLargeBytes ? kLargeStep : std::bit_floor(bytes - 1) / 4;
  return (bytes + step - 1) / step * step;
}

void throw_out_of_memory(uint64_t asked_bytes, uint64_t free_bytes, uint64_t limit_bytes) {
  std::string message = "asked for " + format_bytes(asked_bytes) + ", device has " + format_bytes(free_bytes) + " free";
  if (limit_bytes) message += " (memory limit " + format_bytes(limit_bytes) + ")";
  throw Error(ErrorCode::out_of_memory, message,
              limit_bytes ? "raise memoryLimitBytes, or dispose of tensors and programs that are no longer needed"
                          : "dispose of tensors and programs that are no longer needed, or work in smaller parts");
}

}  // namespace wavetile
