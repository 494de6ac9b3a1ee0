// One chunk of a distance: metric 0 adds |a - b|^2, metric 1 subtracts a.b (smaller is better).
float add_distance(float sum, vec4 a, vec4 b) {
  if (metric == 0) {
    vec4 d = a - b;
    sum += d.x * d.x;
    sum += d.y * d.y;
    sum += d.z * d.z;
    sum += d.w * d.w;
  } else {
    sum -= a.x * b.x;
    sum -= a.y * b.y;
    sum -= a.z * b.z;
    sum -= a.w * b.w;
  }
  return sum;
}
