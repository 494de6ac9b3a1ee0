// Activations by number: 0 none, 1 ReLU, 2 GELU (the tanh form), and their derivatives.
inline float gelu_tanh(float x) { return tanh(clamp(0.7978845608 * (x + 0.044715 * x * x * x), -10.0, 10.0)); }

inline float activate(uint kind, float x) {
  if (kind == 1) return max(x, 0.0);
  return kind == 2 ? 0.5 * x * (1 + gelu_tanh(x)) : x;
}

inline float activation_slope(uint kind, float x) {
  if (kind == 1) return x > 0 ? 1 : 0;
  if (kind != 2) return 1;
  const float t = gelu_tanh(x);
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608 * (1 + 0.134145 * x * x);
}

// Of a gate: 0 SiLU, 1 GELU.
inline float activate_gate(uint kind, float x) { return kind == 0 ? x / (1 + exp(-x)) : activate(2, x); }
