// Atomic operations on a word of threadgroup memory that is also read and written plainly, on the other side of a
// barrier.
inline uint atomic_add(threadgroup uint& word, uint value) {
  return atomic_fetch_add_explicit((threadgroup atomic_uint*)&word, value, memory_order_relaxed);
}
