// Keys projected to stay on the device, slice by slice, so that their raw copy there stays small.
import { Tensor } from '../runtime/tensor.js';
import { type HeadModel, padRows, projectedLength, recordProjections, rowChunks } from './head-projection.js';
import { NONE } from './layout.js';
import { rejectInvalid } from './packed-rows.js';
import type { VectorInput } from './vector-input.js';

/** Bytes of raw keys on the device at a time. */
export const SLICE_BYTES = 32 << 20;

export async function hostRows(vectors: VectorInput): Promise<Float32Array> {
  return vectors instanceof Tensor ? ((await vectors.read()) as Float32Array) : vectors;
}

/** The caller disposes of the result. */
export async function projectKeys(
  where: string,
  model: HeadModel,
  keys: VectorInput,
  signal?: AbortSignal,
): Promise<Tensor> {
  const rows = await hostRows(keys);
  signal?.throwIfAborted();
  const { device, shape } = model;
  const count = rows.length / shape.dimensions;
  const projected = device.tensor('f32', [count * projectedLength(shape)]);
  try {
    await projectSlices(where, model, { rows, projected }, signal);
    return projected;
  } catch (error) {
    projected.dispose();
    throw error;
  }
}

async function projectSlices(
  where: string,
  { device, shape, keyWeights: weights }: HeadModel,
  { rows, projected: all }: { rows: Float32Array; projected: Tensor },
  signal?: AbortSignal,
): Promise<void> {
  const [pitch, length] = [rowChunks(shape) * 4, projectedLength(shape)];
  const count = rows.length / shape.dimensions;
  // Multiples of 64 rows begin where a kernel's binding may.
  const step = Math.min(count, Math.max(64, Math.floor(SLICE_BYTES / 4 / pitch / 64) * 64));
  using source = device.tensor('f32', [step * pitch]);
  using firstInvalid = device.tensor('u32', [1]);
  for (let first = 0; first < count; first += step) {
    signal?.throwIfAborted();
    const live = Math.min(step, count - first);
    const projected = all.slice(first * length, live * length);
    const side = { source, weights, projected, firstInvalid, rows: live };
    using program = await device.record((recorder) => recordProjections(recorder, shape, [side]));
    const slice = padRows(rows.subarray(first * shape.dimensions, (first + live) * shape.dimensions), shape.dimensions);
    const { outputs } = await program.run({
      write: [
        [source, slice],
        [firstInvalid, Uint32Array.of(NONE)],
      ],
      read: [firstInvalid],
      signal,
    });
    rejectInvalid(`${where}: keys`, outputs[0][0], first);
  }
}
