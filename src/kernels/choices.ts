// Which form of a kernel suits which device.
import type { Device } from '../runtime/device.js';

/** The constant `unrolled`: a software device would spend seconds on compiling the long form of a kernel. */
export const unrolledOn = (device: Device): number => (device.info.kind === 'software' ? 0 : 1);

/** Constants of the tiled distance kernels. */
export function tileConstants(device: Device, metric: number): { metric: number; unrolled: number } {
  return { metric, unrolled: unrolledOn(device) };
}
