// One chunk of a distance: metric 0 adds |a - b|^2, metric 1 subtracts a.b (smaller is better).
inline float add_distance(float sum, float4 a, float4 b) {
  if (metric == 0) {
    const float4 d = a - b;
    sum = fma(d.x, d.x, sum);
    sum = fma(d.y, d.y, sum);
    sum = fma(d.z, d.z, sum);
    return fma(d.w, d.w, sum);
  }
  sum = fma(-a.x, b.x, sum);
  sum = fma(-a.y, b.y, sum);
  sum = fma(-a.z, b.z, sum);
  return fma(-a.w, b.w, sum);
}
