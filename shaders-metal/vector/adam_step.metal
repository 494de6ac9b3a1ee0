// Adam: weights -= rate * m / (sqrt(v) + epsilon), m and v running means of the gradient and of its square.
// One thread a weight. schedule[step] holds rate and epsilon with their corrections for the steps so far.
#include "contracts/adam_step.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void adam_step(device float* weights [[buffer(0)]],
                                                                 device const float* gradient [[buffer(1)]],
                                                                 device float2* moments [[buffer(2)]],
                                                                 device const float2* schedule [[buffer(3)]],
                                                                 constant Params& params [[buffer(4)]],
                                                                 uint3 position [[thread_position_in_grid]],
                                                                 uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid);
  if (i >= params.count) return;
  const float g = gradient[i];
  const float2 moment = moments[i] * float2(0.9, 0.999) + float2(0.1, 0.001) * float2(g, g * g);
  const float2 rate = schedule[params.step];
  moments[i] = moment;
  weights[i] -= rate.x * moment.x / (sqrt(moment.y) + rate.y);
}
