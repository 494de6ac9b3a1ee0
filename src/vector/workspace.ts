// Tensors that live and die together.
import type { Device } from '../runtime/device.js';
import type { DataType, Tensor } from '../runtime/tensor.js';

export class Workspace implements Disposable {
  readonly #device: Device;
  readonly #tensors: Tensor[] = [];

  constructor(device: Device) {
    this.#device = device;
  }

  tensor(type: DataType, length: number): Tensor {
    const tensor = this.#device.tensor(type, [length]);
    this.#tensors.push(tensor);
    return tensor;
  }

  dispose(): void {
    for (const tensor of this.#tensors) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
