// The vectors that a codec is trained on: a random choice of those given, centred and scaled.
import type { Device } from '../runtime/device.js';
import { Tensor } from '../runtime/tensor.js';
import type { CheckedTraining } from './neural-codec-options.js';
import { rejectInvalid } from './packed-rows.js';
import { Random } from './random.js';
import { Turns } from './turns.js';
import type { VectorInput } from './vector-input.js';

const BATCH_STEP = 256;
const MEMORY_SHARE = 0.25;
const MAX_SAMPLE = 1 << 20;

/** Vectors in random order, centred and scaled to a mean square of 1, repeated up to whole batches. */
export interface Sample {
  readonly data: Float32Array;
  readonly rows: number;
  readonly mean: Float64Array;
  readonly gain: number;
}

export async function drawSample(
  device: Device,
  vectors: VectorInput,
  options: CheckedTraining & { where: string },
): Promise<Sample> {
  const { shape, bias, seed, signal, where } = options;
  const { dimensions } = shape;
  const numbers = vectors instanceof Tensor ? ((await vectors.read()) as Float32Array) : vectors;
  const count = numbers.length / dimensions;
  const batch = batchRows(options);
  const room = Math.min(device.memory().freeBytes * MEMORY_SHARE, device.info.maxBindingBytes) / (dimensions * 4);
  const most = Math.max(batch, Math.floor(Math.min(room, MAX_SAMPLE) / batch) * batch);
  const chosen = new Random(seed).distinct(Math.min(count, most), count);
  const data = new Float32Array(Math.ceil(chosen.length / batch) * batch * dimensions);
  const mean = new Float64Array(dimensions);
  const turns = new Turns(signal);
  for (const [i, row] of chosen.entries()) {
    for (let d = 0; d < dimensions; d++) {
      const value = numbers[row * dimensions + d];
      if (!Number.isFinite(value)) rejectInvalid(where, row);
      data[i * dimensions + d] = value;
      mean[d] += value / chosen.length;
    }
    await turns.pause();
  }
  if (!bias) mean.fill(0);
  let square = 0;
  for (let i = 0; i < chosen.length; i++) {
    for (let d = 0; d < dimensions; d++) {
      const value = data[i * dimensions + d] - mean[d];
      square += value * value;
    }
    await turns.pause();
  }
  const gain = square > 0 ? Math.sqrt((chosen.length * dimensions) / square) : 1;
  if (!Number.isFinite(gain) || !Number.isFinite(square))
    throw new RangeError(`${where}: vectors must not be so large`);
  for (let i = 0; i < data.length / dimensions; i++) {
    const from = (i % chosen.length) * dimensions;
    for (let d = 0; d < dimensions; d++)
      data[i * dimensions + d] = i < chosen.length ? (data[i * dimensions + d] - mean[d]) * gain : data[from + d];
    await turns.pause();
  }
  return { data, rows: chosen.length, mean, gain };
}

export const batchRows = ({ batchSize }: CheckedTraining) => Math.ceil(batchSize / BATCH_STEP) * BATCH_STEP;
