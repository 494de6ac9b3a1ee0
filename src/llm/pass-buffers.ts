// Memory that a pass of the model works in. Passes of one kind share it: the device runs them one after the other.
import { Activation, type ActivationShape } from '../nn/activation.js';
import { BLOCK, blocksOf } from '../nn/weights.js';
import type { DataType } from '../runtime/data-types.js';
import type { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';

export class PassBuffers implements Disposable {
  readonly device: Device;
  /** Rows that the largest pass has. */
  readonly rows: number;
  /** Rows that logits are computed of at a time. */
  readonly logitRows: number;
  readonly #tensors = new Map<string, Tensor>();
  readonly #activations = new Map<string, Activation>();

  constructor(device: Device, rows: number, logitRows: number) {
    this.device = device;
    this.rows = rows;
    this.logitRows = logitRows;
  }

  /** A tensor of that name with at least that many elements. Programs that have a smaller one keep it. */
  tensor(name: string, type: DataType, shape: readonly number[]): Tensor {
    const known = this.#tensors.get(name);
    const length = shape.reduce((product, side) => product * side, 1);
    if (known && known.length >= length && known.type === type) return known;
    const made = this.device.tensor(type, shape);
    known?.dispose();
    this.#tensors.set(name, made);
    return made;
  }

  /** The activation of that name and form, for as many rows as the largest pass has unless it is said otherwise. */
  activation(name: string, shape: Omit<ActivationShape, 'rows'> & { rows?: number }): Activation {
    const key = `${name} ${shape.form} ${shape.columns}`;
    const known = this.#activations.get(key);
    if (known) return known;
    const made = Activation.allocate(this.device, { rows: this.rows, ...shape });
    this.#activations.set(key, made);
    return made;
  }

  /** f32 [logitRows, vocabulary padded to 32] */
  logits(vocabulary: number): Tensor {
    return this.tensor('logits', 'f32', [this.logitRows, blocksOf(vocabulary) * BLOCK]);
  }

  dispose(): void {
    for (const one of [...this.#tensors.values(), ...this.#activations.values()]) one.dispose();
    this.#tensors.clear();
    this.#activations.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
