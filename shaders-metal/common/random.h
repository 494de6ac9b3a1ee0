// Counter-based random numbers: the PCG output permutation as a hash (Jarzynski and Olano, JCGT 2020).
inline uint hash(uint v) {
  const uint s = v * 747796405u + 2891336453u;
  const uint w = ((s >> ((s >> 28) + 4)) ^ s) * 277803737u;
  return (w >> 22) ^ w;
}

inline uint random_word(uint seed, uint m, uint step) { return hash(seed ^ hash(m ^ hash(step))); }

// In [0, 1), 24 bits.
inline float uniform_float(uint seed, uint m, uint step) {
  return float(random_word(seed, m, step) >> 8) * (1.0 / 16777216.0);
}
