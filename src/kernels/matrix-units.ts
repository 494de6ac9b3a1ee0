// Whether the kernels on matrix units (X_coop) may be used: what the device says, and a product that has to come out.
import { checkDevice, type Device, sessionOfDevice } from '../runtime/device.js';
import type { Backend } from '../runtime/native.js';
import type { Recorder } from '../runtime/recorder.js';
import type { Tensor } from '../runtime/tensor.js';

interface MatrixUnit {
  readonly shape: string;
  readonly feature: string;
  readonly sharedBytes: number;
}

/** What the kernels of a backend are written for: A and B of halves, sums of float32. */
const MATRIX_UNITS: Readonly<Partial<Record<Backend, MatrixUnit>>> = {
  vulkan: { shape: '16x16x16 f16 f16 f32 f32', feature: 'cooperativeMatrix', sharedBytes: 48 << 10 },
  metal: { shape: '8x8x8 f16 f16 f32 f32', feature: 'simdgroupMatrix', sharedBytes: 32 << 10 },
};
const SUBGROUP = 32;

/** Most normalised mean squared difference from the plain kernel: weights are rounded to halves. */
const MOST_ERROR = 1e-5;

/** Whether the device says that it has what the kernels need. */
export function offersMatrixUnits({ info }: Device): boolean {
  const subgroups = info.minSubgroupSize <= SUBGROUP && SUBGROUP <= info.maxSubgroupSize;
  const sized = info.subgroupSize === SUBGROUP || info.features.includes('subgroupSizeControl');
  const unit = MATRIX_UNITS[info.backend];
  if (!unit || info.maxSharedBytes < unit.sharedBytes) return false;
  return info.matrixUnits.includes(unit.shape) && info.features.includes(unit.feature) && subgroups && sized;
}

interface TestShape {
  readonly kind: number;
  readonly scaling: number;
  readonly wordsOfBlock: number;
  readonly tileRows: number;
}

/** Halves with tiles of 128 rows, int4 with a scale for each block and tiles of 64; whole tiles and edges of both. */
const SHAPES: readonly TestShape[] = [
  { kind: 1, scaling: 0, wordsOfBlock: 16, tileRows: 128 },
  { kind: 4, scaling: 1, wordsOfBlock: 4, tileRows: 64 },
];
const [ROWS, OUTPUTS, BLOCKS] = [144, 160, 5];

/** Halves from 1 to 2 and from -2 to -1, two to a word; as int4 any words will do. */
function words(count: number, seed: number): Uint32Array {
  let state = seed;
  return Uint32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const hashed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
    return ((hashed & 0x83ff83ff) | 0x3c003c00) >>> 0;
  });
}

interface TestTensors {
  readonly quants: Tensor;
  readonly scales: Tensor;
  readonly inputs: Tensor;
  readonly bias: Tensor;
}

function recordProducts(recorder: Recorder, shape: TestShape, tensors: TestTensors, results: readonly Tensor[]): void {
  const { kind, scaling, tileRows } = shape;
  const call = {
    params: { rows: ROWS, outputs: OUTPUTS, blocks: BLOCKS, stride: OUTPUTS, firstColumn: 0, firstBias: 0 },
    constants: { kind, scaling, halfInput: 1, tileRows, unrolled: 0 }, // without SIMD-group matrices on Metal
    grid: [Math.ceil(ROWS / tileRows), Math.ceil(OUTPUTS / 128)],
  } as const;
  for (const [i, kernel] of (['project_matrix', 'project_matrix_coop'] as const).entries()) {
    recorder.dispatch(kernel, { ...call, buffers: { ...tensors, results: results[i] } });
  }
}

function difference(plain: Float32Array, units: Float32Array): number {
  let [error, power] = [0, 0];
  for (const [i, value] of plain.entries()) {
    error += (units[i] - value) ** 2;
    power += value ** 2;
  }
  return error / power;
}

async function testShape(device: Device, shape: TestShape): Promise<number> {
  const tensors: Tensor[] = [];
  const upload = async (array: Uint32Array | Float32Array) => {
    const tensor = await device.tensorFrom(array);
    tensors.push(tensor);
    return tensor;
  };
  try {
    const quants = await upload(words(OUTPUTS * BLOCKS * shape.wordsOfBlock, 1));
    const scales = await upload(words(OUTPUTS * Math.ceil(BLOCKS / 4) * 2, 2));
    const inputs = await upload(words(ROWS * BLOCKS * 16, 3));
    const bias = await upload(new Float32Array(OUTPUTS));
    const results = [await upload(new Float32Array(ROWS * OUTPUTS)), await upload(new Float32Array(ROWS * OUTPUTS))];
    using program = await device.record((recorder) =>
      recordProducts(recorder, shape, { quants, scales, inputs, bias }, results),
    );
    const { outputs } = await program.run({ read: results });
    return difference(outputs[0] as Float32Array, outputs[1] as Float32Array);
  } finally {
    for (const tensor of tensors) tensor.dispose();
  }
}

const tests = new WeakMap<Device, Promise<boolean>>();
const usable = new WeakSet<Device>();

async function test(device: Device): Promise<boolean> {
  if (!offersMatrixUnits(device)) return false;
  let wrong: string | undefined;
  try {
    for (const shape of SHAPES) {
      const error = await testShape(device, shape);
      if (!(error <= MOST_ERROR)) wrong ??= `a product is wrong by ${error} (normalised mean squared error)`;
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (device.disposed || code === 'DEVICE_LOST' || code === 'OUT_OF_MEMORY') throw error;
    wrong = message;
  }
  if (wrong === undefined) usable.add(device);
  else {
    const message = `the matrix units of ${device.info.name} are not used: ${wrong}`;
    sessionOfDevice(device).warn(message, 'WAVETILE_MATRIX_UNITS');
  }
  return wrong === undefined;
}

/**
 * Tests the matrix units once for each device. Where they fail, or there are none, `hasMatrixUnits` stays false, and
 * the plain kernels are used; a failure is said in a warning.
 */
export function testMatrixUnits(device: Device): Promise<boolean> {
  checkDevice('testMatrixUnits', device);
  const known = tests.get(device);
  if (known) return known;
  const started = test(device);
  tests.set(device, started);
  started.catch(() => tests.delete(device));
  return started;
}

/** Whether the device's matrix units were tested and may be used. */
export const hasMatrixUnits = (device: Device): boolean => usable.has(device);
