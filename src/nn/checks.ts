// What every function that records a layer is given: a recorder, and a call with weights and activations.
import { Recorder } from '../runtime/recorder.js';
import { checkObject, describe } from '../runtime/validate.js';

/** Throws `TypeError`. */
export function checkCall(where: string, recorder: unknown, call: unknown): void {
  if (!(recorder instanceof Recorder))
    throw new TypeError(`${where}: recorder must be a Recorder, got ${describe(recorder)}`);
  checkObject(where, 'call', call);
}

/** Throws `TypeError` where a value is of another class. */
export function checkInstance(where: string, name: string, value: unknown, type: { readonly name: string }): void {
  if (value instanceof (type as typeof Object)) return;
  throw new TypeError(`${where}: ${name} must be of class ${type.name}, got ${describe(value)}`);
}
