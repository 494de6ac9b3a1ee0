// Which form of a kernel suits which device.
import type { Device } from '../runtime/device.js';

/** Constants of the tiled distance kernels. A software device would spend seconds on compiling the unrolled form. */
export function tileConstants(device: Device, metric: number): { metric: number; unrolled: number } {
  return { metric, unrolled: device.info.kind === 'software' ? 0 : 1 };
}
