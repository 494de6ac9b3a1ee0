// Rows of numbers between two layers, in the form that the next projection reads.
import type { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { BLOCK, blocksOf } from './weights.js';

/** In the order of the kernels' constant `form`: plain numbers, halves, or signed bytes with a scale for each block of 32. */
export const FORMS = ['f32', 'f16', 'q8'] as const;
export type Form = (typeof FORMS)[number];

export interface ActivationShape {
  readonly rows: number;
  readonly columns: number;
  readonly form: Form;
}

const BYTES: Readonly<Record<Form, number>> = { f32: 4, f16: 2, q8: 1 };

/**
 * [rows, columns], each row padded with zeros to blocks of 32. `blocks` holds four floats for each block of each row: the
 * scale, scale · sum of the quants, the sum of squares of the numbers before their norm's weights, and nothing.
 */
export class Activation implements Disposable {
  readonly form: Form;
  readonly rows: number;
  readonly columns: number;
  readonly values: Tensor;
  readonly blocks: Tensor;

  private constructor(shape: ActivationShape, values: Tensor, blocks: Tensor) {
    this.form = shape.form;
    this.rows = shape.rows;
    this.columns = shape.columns;
    this.values = values;
    this.blocks = blocks;
  }

  /** Memory with undefined contents. Throws `ComputeError` `OUT_OF_MEMORY`. */
  static allocate(device: Device, shape: ActivationShape): Activation {
    const count = shape.rows * blocksOf(shape.columns);
    const type = shape.form === 'f32' ? 'f32' : 'u32';
    const values = device.tensor(type, [(count * BLOCK * BYTES[shape.form]) / 4]);
    try {
      return new Activation(shape, values, device.tensor('f32', [count * 4]));
    } catch (error) {
      values.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.values.dispose();
    this.blocks.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
