// Which form of a kernel suits which device.
import type { Device } from '../runtime/device.js';

/**
 * The constant `unrolled`: a software device would spend seconds on compiling the long form of a kernel, and on Metal
 * that is one with SIMD-group matrices, which the GPUs of virtual machines lack.
 */
export function unrolledOn({ info }: Device): number {
  return info.kind === 'software' || (info.backend === 'metal' && !info.features.includes('simdgroupMatrix')) ? 0 : 1;
}

/** Constants of the tiled distance kernels. */
export function tileConstants(device: Device, metric: number): { metric: number; unrolled: number } {
  return { metric, unrolled: unrolledOn(device) };
}
