// Attention over listed positions only.
import type { AbortOptions } from '../runtime/abort.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import { Tensor } from '../runtime/tensor.js';
import { checkFloat, checkInteger, checkObject, checkOptions, checkRunOptions, describe } from '../runtime/validate.js';
import { checkCall } from './checks.js';

/** Host numbers, or an f32 tensor on the same device. */
export type AttentionInput = Float32Array | Tensor;

export interface SparseAttentionOptions extends AbortOptions {
  /** Default 1. */
  batch?: number | undefined;
  queryHeads: number;
  /** Divides `queryHeads`. Default: `queryHeads`. */
  kvHeads?: number | undefined;
  /** Of a query and a key. */
  dimensions: number;
  /** Of a value; at most 1024. Default: `dimensions`. */
  valueDimensions?: number | undefined;
  /** Heads of the list and of the weights, of each batch entry: divides `queryHeads`. Default: `queryHeads`. */
  listHeads?: number | undefined;
  /** Factor of the dot products. Default 1 / √dimensions. */
  scale?: number | undefined;
  /** [batch, listHeads, keys]: log(weight) is added to the logits, so 0 leaves a position out. */
  weights?: AttentionInput | undefined;
}

/** What `recordSparseAttention` binds; all row-major. */
export interface SparseAttentionTensors {
  /** [batch, queryHeads, queries, dimensions] */
  readonly queries: Tensor;
  /** [batch, kvHeads, keys, dimensions] */
  readonly keys: Tensor;
  /** [batch, kvHeads, keys, valueDimensions] */
  readonly values: Tensor;
  /** u32 [batch, listHeads, length] */
  readonly list: Tensor;
  /** f32 [batch, listHeads, keys] */
  readonly weights?: Tensor | undefined;
  /** [batch, queryHeads, queries, valueDimensions] */
  readonly attended: Tensor;
}

export interface SparseAttentionShape {
  readonly batch: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly listHeads: number;
  readonly queryCount: number;
  readonly keyCount: number;
  readonly dimensions: number;
  readonly valueDimensions: number;
  readonly length: number;
  readonly scale: number;
}

const MAX_VALUE_DIMENSIONS = 1024;
const MAX_GRID = 65535;
const KEYS = [
  'batch',
  'queryHeads',
  'kvHeads',
  'dimensions',
  'valueDimensions',
  'listHeads',
  'scale',
  'weights',
  'signal',
];

/** One dispatch: attention of every query of every head over its list. */
export function recordSparseAttention(
  recorder: Recorder,
  tensors: SparseAttentionTensors,
  shape: SparseAttentionShape,
): void {
  checkCall('recordSparseAttention', recorder, tensors);
  checkObject('recordSparseAttention', 'shape', shape);
  const { queries, keys, values, list, weights, attended } = tensors;
  const { batch, queryHeads, kvHeads, listHeads, queryCount, keyCount } = shape;
  const { dimensions, valueDimensions, length, scale } = shape;
  recorder.dispatch('sparse_attention', {
    buffers: { queries, keys, values, list, weights: weights ?? queries, attended },
    params: {
      queryCount,
      keyCount,
      dimensions,
      valueDimensions,
      length,
      headsPerKv: queryHeads / kvHeads,
      headsPerList: queryHeads / listHeads,
      scale,
    },
    constants: { weighted: weights === undefined ? 0 : 1 },
    grid: [queryCount, batch * queryHeads],
  });
}

/**
 * softmax(scale · q·k + log weight) · v over the positions of `sparseList` [batch, listHeads, length], each below the
 * number of keys. Queries are [batch, queryHeads, queries, dimensions], keys and values [batch, kvHeads, keys, …]; the
 * result is [batch, queryHeads, queries, valueDimensions].
 *
 * @example
 * using device = await Device.open();
 * const sides = { queryHeads: 1, dimensions: 2 };
 * const [q, k, v] = [[1, 0], [1, 0, 0, 1], [5, 6, 7, 8]].map((numbers) => Float32Array.from(numbers));
 * const attended = await sparseAttention(device, { queries: q, keys: k, values: v, sparseList: Uint32Array.of(0) }, sides);
 * // Float32Array [5, 6]
 */
export function sparseAttention(
  device: Device,
  inputs: { queries: AttentionInput; keys: AttentionInput; values: AttentionInput; sparseList: Uint32Array | Tensor },
  options: SparseAttentionOptions,
): Promise<Float32Array> {
  const where = 'sparseAttention';
  checkDevice(where, device);
  checkObject(where, 'inputs', inputs);
  checkOptions(where, inputs, ['queries', 'keys', 'values', 'sparseList']);
  const shape = shapeOf(where, inputs, options);
  const { weights, signal } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return attend(device, { ...inputs, weights }, shape, signal);
}

type Inputs = Parameters<typeof sparseAttention>[1];

/** Checks both. */
function shapeOf(where: string, inputs: Inputs, options: SparseAttentionOptions): SparseAttentionShape {
  checkRunOptions(where, options, KEYS, { required: true });
  const { batch = 1, queryHeads, kvHeads = queryHeads, dimensions, valueDimensions = dimensions } = options;
  const { listHeads = queryHeads, scale = 1 / Math.sqrt(dimensions), weights } = options;
  checkInteger(where, 'batch', batch, { min: 1, max: MAX_GRID });
  checkInteger(where, 'queryHeads', queryHeads, { min: 1, max: Math.floor(MAX_GRID / batch) });
  checkInteger(where, 'dimensions', dimensions, { min: 1, max: 65536 });
  checkInteger(where, 'valueDimensions', valueDimensions, { min: 1, max: MAX_VALUE_DIMENSIONS });
  checkFloat(where, 'scale', scale);
  for (const [name, heads] of Object.entries({ kvHeads, listHeads })) {
    checkInteger(where, name, heads, { min: 1, max: queryHeads });
    if (queryHeads % heads !== 0)
      throw new RangeError(`${where}: ${name} must divide queryHeads (${queryHeads}), got ${heads}`);
  }
  const queryCount = sideOf(where, 'queries', inputs.queries, batch * queryHeads * dimensions);
  const keyCount = sideOf(where, 'keys', inputs.keys, batch * kvHeads * dimensions);
  const valueCount = sideOf(where, 'values', inputs.values, batch * kvHeads * valueDimensions);
  if (valueCount !== keyCount)
    throw new RangeError(`${where}: values must be as many as keys (${keyCount} a head), got ${valueCount}`);
  const length = checkList(where, inputs.sparseList, batch * listHeads, keyCount);
  if (weights !== undefined && sideOf(where, 'weights', weights, batch * listHeads) !== keyCount)
    throw new RangeError(`${where}: weights must be one for each of ${keyCount} keys a head, got ${weights.length}`);
  checkInteger(where, 'the number of queries', queryCount, { min: 1, max: MAX_GRID });
  const sides = { batch, queryHeads, kvHeads, listHeads, queryCount, keyCount };
  return { ...sides, dimensions, valueDimensions, length, scale };
}

function sideOf(where: string, name: string, input: unknown, unit: number): number {
  const isTensor = input instanceof Tensor && input.type === 'f32';
  if (!isTensor && !(input instanceof Float32Array))
    throw new TypeError(`${where}: ${name} must be a Float32Array or an f32 Tensor, got ${describe(input)}`);
  if (input.length === 0 || input.length % unit !== 0)
    throw new RangeError(`${where}: ${name} must hold a multiple of ${unit} numbers, got ${input.length}`);
  return input.length / unit;
}

/** A list on the host is checked; one on the device is trusted. */
function checkList(where: string, list: unknown, heads: number, keys: number): number {
  const isTensor = list instanceof Tensor && list.type === 'u32';
  if (!isTensor && !(list instanceof Uint32Array))
    throw new TypeError(`${where}: sparseList must be a Uint32Array or a u32 Tensor, got ${describe(list)}`);
  if (list.length === 0 || list.length % heads !== 0)
    throw new RangeError(`${where}: sparseList must hold a multiple of ${heads} positions, got ${list.length}`);
  if (list instanceof Uint32Array) {
    const place = list.findIndex((position) => position >= keys);
    if (place >= 0)
      throw new RangeError(`${where}: sparseList must hold positions below ${keys}, got ${list[place]} at ${place}`);
  }
  return list.length / heads;
}

async function attend(
  device: Device,
  { queries, keys, values, sparseList, weights }: Inputs & { weights: AttentionInput | undefined },
  shape: SparseAttentionShape,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const own: Tensor[] = [];
  const upload = async (input: Float32Array | Uint32Array | Tensor): Promise<Tensor> => {
    if (input instanceof Tensor) return input;
    const tensor = await device.tensorFrom(input);
    own.push(tensor);
    return tensor;
  };
  try {
    const attended = device.tensor('f32', [shape.batch * shape.queryHeads * shape.queryCount * shape.valueDimensions]);
    own.push(attended);
    const tensors = {
      queries: await upload(queries),
      keys: await upload(keys),
      values: await upload(values),
      list: await upload(sparseList),
      weights: weights === undefined ? undefined : await upload(weights),
      attended,
    };
    using program = await device.record((recorder) => recordSparseAttention(recorder, tensors, shape));
    const { outputs } = await program.run({ read: [attended], signal });
    return outputs[0] as Float32Array;
  } finally {
    for (const tensor of own) tensor.dispose();
  }
}
