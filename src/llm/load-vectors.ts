// Norms and biases: small, so the host reads them and makes them float32.
import { InputFile } from '../formats/input-file.js';
import type { Device } from '../runtime/device.js';
import { ComputeError } from '../runtime/errors.js';
import type { Tensor } from '../runtime/tensor.js';
import type { VectorPlan } from './load-plan.js';
import type { SourceTensor } from './source-tensor.js';

const HALF_INFINITE = 31;

/** Of 16 bits as IEEE 754 has them. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === HALF_INFINITE) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** The numbers of a tensor without blocks from its bytes. */
export function numbersOfTensor({ name, path, type }: SourceTensor, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decode = (size: number, at: (place: number) => number) =>
    Float32Array.from({ length: bytes.length / size }, (_, i) => at(i * size));
  if (type === 'F32') return decode(4, (place) => view.getFloat32(place, true));
  if (type === 'F16') return decode(2, (place) => halfToNumber(view.getUint16(place, true)));
  if (type !== 'BF16')
    throw new ComputeError('UNSUPPORTED', `${path}: tensor '${name}' must be F32, F16 or BF16, got ${type}`);
  const word = new DataView(new ArrayBuffer(4));
  return decode(2, (place) => {
    word.setUint16(2, view.getUint16(place, true), true);
    return word.getFloat32(0, true);
  });
}

async function numbersFor(plan: VectorPlan, fileOf: (path: string) => Promise<InputFile>): Promise<Float32Array> {
  const numbers = new Float32Array(plan.length);
  for (const { source, first = 0 } of plan.parts) {
    const bytes = new Uint8Array(source.bytes);
    await (await fileOf(source.path)).read(bytes, source.offset, `tensor '${source.name}'`);
    const read = numbersOfTensor(source, bytes);
    numbers.set(plan.add === undefined ? read : read.map((value) => value + (plan.add as number)), first);
  }
  return numbers;
}

interface VectorLoad {
  readonly signal: AbortSignal;
  onRead(bytes: number, tensor: string): void;
}

/** Into `vectors`, which the caller disposes of. */
export async function loadVectors(
  device: Device,
  plans: readonly VectorPlan[],
  vectors: Map<string, Tensor>,
  { signal, onRead }: VectorLoad,
): Promise<void> {
  const files = new Map<string, InputFile>();
  const fileOf = async (path: string) => {
    const file = files.get(path) ?? (await InputFile.open(path));
    files.set(path, file);
    return file;
  };
  try {
    for (const plan of plans) {
      signal.throwIfAborted();
      const tensor = device.tensor('f32', [plan.length]);
      vectors.set(plan.name, tensor);
      await tensor.write(await numbersFor(plan, fileOf));
      for (const { source } of plan.parts) onRead(source.bytes, source.name);
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
}
