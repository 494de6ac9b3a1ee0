// Weights from numbers of the host, and back.
import { checkDevice, type Device } from '../runtime/device.js';
import { checkObject, checkOneOf, checkOptions, describe } from '../runtime/validate.js';
import { checkInstance } from './checks.js';
import { recordEmbedding } from './embedding.js';
import { recordRepack } from './repack.js';
import { BLOCK, TILE_ROWS, type WeightKind, type WeightScaling, Weights } from './weights.js';

export interface HostWeightsOptions {
  readonly rows: number;
  readonly columns: number;
  readonly kind: WeightKind;
  /** Default: 'none', or 'symmetric' for int8 and int4. */
  readonly scaling?: WeightScaling | undefined;
  /** Weights that share a scale: 32, 64 or 128. Default 32. */
  readonly group?: 32 | 64 | 128 | undefined;
}

/** At a time, so that the copy of the numbers takes little memory. */
const STAGED_BYTES = 32 * 2 ** 20;
const READ_ROWS = 1024;

/**
 * Row-major numbers as weights on the device.
 *
 * @example
 * using weights = await weightsFrom(device, Float32Array.of(1, 2, 3, 4), { rows: 2, columns: 2, kind: 'f16' });
 */
export function weightsFrom(device: Device, numbers: Float32Array, options: HostWeightsOptions): Promise<Weights> {
  const where = 'weightsFrom';
  checkDevice(where, device);
  if (!(numbers instanceof Float32Array))
    throw new TypeError(`${where}: numbers must be a Float32Array, got ${describe(numbers)}`);
  checkObject(where, 'options', options);
  checkOptions(where, options, ['rows', 'columns', 'kind', 'scaling', 'group']);
  const { rows, columns, kind, group = 32 } = options;
  checkOneOf(where, 'group', group, [32, 64, 128]);
  const plain = kind === 'f32' || kind === 'f16' || kind === 'bf16';
  const { scaling = plain ? 'none' : 'symmetric' } = options;
  if (numbers.length !== rows * columns)
    throw new RangeError(`${where}: numbers must be ${rows * columns} for ${rows} x ${columns}, got ${numbers.length}`);
  return fill(Weights.allocate(device, { kind, scaling, rows, columns }), numbers, group);
}

async function fill(weights: Weights, numbers: Float32Array, group: number): Promise<Weights> {
  const { device, rows, columns } = weights;
  const staged = Math.min(STAGED_BYTES, device.info.maxBindingBytes);
  const step = Math.max(1, Math.floor(staged / (columns * 4 * TILE_ROWS))) * TILE_ROWS;
  try {
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      using source = await device.tensorFrom(numbers.subarray(row * columns, (row + count) * columns));
      const call = { weights, source, sourceType: 'F32', rows: count, firstTile: row / TILE_ROWS, group } as const;
      using program = await device.record((recorder) => recordRepack(recorder, call));
      await program.run();
    }
    return weights;
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

/**
 * The numbers that weights stand for, [rows, columns].
 *
 * @example
 * const numbers = await readWeights(weights);
 */
export function readWeights(weights: Weights): Promise<Float32Array> {
  checkInstance('readWeights', 'weights', weights, Weights);
  return read(weights);
}

async function read(weights: Weights): Promise<Float32Array> {
  const { device, rows, columns } = weights;
  const stride = weights.blocks * BLOCK;
  const most = Math.min(rows, READ_ROWS, Math.max(1, Math.floor(device.info.maxBindingBytes / (stride * 4))));
  const numbers = new Float32Array(rows * columns);
  using steps = device.tensor('u32', [most * 4]);
  using hidden = device.tensor('f32', [most, stride]);
  using program = await device.record((recorder) => recordEmbedding(recorder, { weights, steps, rows: most, hidden }));
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const { outputs } = await program.run({ write: [[steps, tokensFrom(first, most)]], read: [hidden] });
    const padded = outputs[0] as Float32Array;
    for (let row = 0; row < count; row++)
      numbers.set(padded.subarray(row * stride, row * stride + columns), (first + row) * columns);
  }
  return numbers;
}

/** Steps of consecutive tokens, all live. */
const tokensFrom = (first: number, count: number): Uint32Array =>
  Uint32Array.from({ length: count * 4 }, (_, i) => (i % 4 === 0 ? first + i / 4 : i % 4 === 3 ? 1 : 0));
