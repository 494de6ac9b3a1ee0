// Rows of numbers between two layers, in the form that the next projection reads.
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkInteger, checkObject, checkOneOf } from '../runtime/validate.js';
import { BLOCK, blocksOf } from './weights.js';

/** In the order of the kernels' constant `form`: plain numbers, halves, or signed bytes with a scale for each block of 32. */
export const FORMS = ['f32', 'f16', 'q8'] as const;
export type ActivationForm = (typeof FORMS)[number];

export interface ActivationShape {
  readonly rows: number;
  readonly columns: number;
  readonly form: ActivationForm;
}

const BYTES: Readonly<Record<ActivationForm, number>> = { f32: 4, f16: 2, q8: 1 };

/**
 * [rows, columns], each row padded with zeros to blocks of 32. `blocks` holds four floats for each block of each row: the
 * scale, scale · sum of the quants, the sum of squares of the numbers before their norm's weights, and nothing.
 *
 * @example
 * using device = await Device.open();
 * using input = Activation.allocate(device, { rows: 4, columns: 64, form: 'f32' });
 * await input.values.write(new Float32Array(4 * 64).fill(1));
 */
export class Activation implements Disposable {
  readonly form: ActivationForm;
  readonly rows: number;
  readonly columns: number;
  readonly values: Tensor;
  readonly blocks: Tensor;

  private constructor(token: Token, shape: ActivationShape, values: Tensor, blocks: Tensor) {
    checkToken(token, 'Activation', 'Activation.allocate');
    this.form = shape.form;
    this.rows = shape.rows;
    this.columns = shape.columns;
    this.values = values;
    this.blocks = blocks;
  }

  /** Memory with undefined contents. Throws `ComputeError` `OUT_OF_MEMORY`. */
  static allocate(device: Device, shape: ActivationShape): Activation {
    const where = 'Activation.allocate';
    checkDevice(where, device);
    checkObject(where, 'shape', shape);
    checkOneOf(where, 'form', shape.form, FORMS);
    checkInteger(where, 'rows', shape.rows, { min: 1 });
    checkInteger(where, 'columns', shape.columns, { min: 1 });
    const count = shape.rows * blocksOf(shape.columns);
    const type = shape.form === 'f32' ? 'f32' : 'u32';
    const values = device.tensor(type, [(count * BLOCK * BYTES[shape.form]) / 4]);
    try {
      return new Activation(TOKEN, shape, values, device.tensor('f32', [count * 4]));
    } catch (error) {
      values.dispose();
      throw error;
    }
  }

  /** Frees the memory. */
  dispose(): void {
    this.values.dispose();
    this.blocks.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
