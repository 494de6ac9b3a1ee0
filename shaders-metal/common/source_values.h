// Numbers of a file. The contract has the constant format: 0 float32, 1 halves, 2 bfloat16.
#include "common/halves.h"
#include "common/source_bytes.h"

constant uint VALUE_BYTES = format == 0 ? 4 : 2;

inline float value_at(device const uint* source, uint at) {
  if (format == 0) return as_type<float>(word_at(source, at));
  return format == 1 ? half_value(half_at(source, at)) : as_type<float>(half_at(source, at) << 16);
}
