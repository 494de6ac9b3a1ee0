// Whether what owns device memory can still be used.
import { checkDevice, type Device } from '../runtime/device.js';
import { ComputeError } from '../runtime/errors.js';

/** Throws `DISPOSED` where the owner, or its device, is gone. */
export function checkUsable(where: string, owner: { readonly device: Device; readonly disposed: boolean }): void {
  if (owner.disposed) throw new ComputeError('DISPOSED', `${where}: this ${owner.constructor.name} was disposed of`);
  checkDevice(where, owner.device);
}
