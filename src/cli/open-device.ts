// The device that a command runs on: as the user named it, or the best one present.
import { Device, type DeviceOpenOptions } from '../runtime/device.js';

const NAMES = 'cpu, vulkan, metal, or one of these with an index such as vulkan:1';

export const DEVICE_HELP = `${NAMES}; default: WAVETILE_DEVICE, else the best device present`;

/** Turns "vulkan:1" into the options that insist on that device. */
export function parseDevice(name: string): DeviceOpenOptions {
  const match = /^(cpu|vulkan|metal)(?::(\d+))?$/.exec(name);
  if (!match) throw new RangeError(`--device must be ${NAMES}, got '${name}'`);
  const backend = match[1] as 'cpu' | 'vulkan' | 'metal';
  return match[2] === undefined ? { backend } : { backend, index: Number(match[2]) };
}

export function openDevice(name?: string): Promise<Device> {
  return Device.open(name === undefined ? {} : parseDevice(name));
}

/** One line that says what a device is. */
export function deviceLine(device: Device): string {
  const { backend, index, kind, name, computeThreads } = device.info;
  return backend === 'cpu' ? `cpu: ${name}, ${computeThreads} threads` : `${backend}:${index}: ${name} (${kind})`;
}
