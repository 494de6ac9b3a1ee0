// Attention over a paged cache of keys and values: rotation, writing of new tokens, and what each token makes of the past.
import { unrolledOn } from '../kernels/choices.js';
import { hasMatrixUnits } from '../kernels/matrix-units.js';
import type { DataType } from '../runtime/data-types.js';
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/recorder.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkInteger, checkObject, checkOneOf } from '../runtime/validate.js';
import { type Activation, FORMS } from './activation.js';
import { checkCall } from './checks.js';
import { BLOCK } from './weights.js';

/** In the order of the kernels' constant. */
const ROPE_STYLES = ['none', 'interleaved', 'halves'] as const;
const ORDERS = ['steps', 'chunk', 'mixed'] as const;

const MOST_HEAD_SIZE = 256;
const MOST_GROUP = 16;
const MOST_SPLITS = 32;
/** Query rows of a workgroup of a chunk. */
const CHUNK_TILE = 64;
const WORKGROUP = 256;

/** Where queries, keys and values are in a row of a fused projection. */
export interface HeadColumns {
  readonly stride: number;
  readonly keyColumn: number;
  readonly valueColumn: number;
  readonly heads: number;
  /** Divides `heads`. */
  readonly kvHeads: number;
  /** A multiple of 8 up to 256. */
  readonly headSize: number;
}

export interface RotationCall {
  readonly rows: number;
  /** f32 [rows][stride] */
  readonly projected: Tensor;
  readonly layout: HeadColumns;
  /** RMS norm of each head of queries and keys, before the rotation; f32 [headSize] each. */
  readonly norms?: { readonly query: Tensor; readonly key: Tensor; readonly epsilon: number } | undefined;
  /** `table` as `ropeTable` makes it, of `dims` numbers of a head: pairs (2i, 2i + 1), or (i, i + dims / 2). */
  readonly rope: { readonly table: Tensor; readonly style: (typeof ROPE_STYLES)[number]; readonly dims: number };
  /** f16 [page][kvHeads][32 tokens][headSize]; `pages` u32 [slots, pages of a sequence]. */
  readonly cache: { readonly keys: Tensor; readonly values: Tensor; readonly pages: Tensor };
  /** u32 [rows, 4]: token, position, slot, live. */
  readonly steps: Tensor;
}

export interface AttentionCall extends RotationCall {
  /** 'steps': rows of different sequences; 'chunk': of one sequence, one position after the other; 'mixed': any. */
  readonly order: (typeof ORDERS)[number];
  /** Tokens that are seen, the newest included; 0: all. */
  readonly window: number;
  /** Factor of the dot products. */
  readonly scale: number;
  /** [rows, heads · headSize]; q8 where headSize is a multiple of 32. */
  readonly output: Activation;
  /** Memory by name; calls that follow each other may get the same. */
  readonly scratch: (name: string, type: DataType, shape: readonly number[]) => Tensor;
}

/** Most shares that a row's positions are split into, so that a GPU has enough workgroups; short rows have fewer. */
export function splitsFor(device: Device, kvHeads: number, rows: number): number {
  const { kind } = device.info;
  const busy = kind === 'cpu' || kind === 'software' ? 4 : kind === 'integrated' ? 64 : 256;
  return Math.min(MOST_SPLITS, Math.max(1, Math.ceil(busy / (kvHeads * rows))));
}

function checkHeads(where: string, layout: HeadColumns): void {
  checkObject(where, 'layout', layout);
  const { heads, kvHeads, headSize } = layout;
  checkInteger(where, 'layout.headSize', headSize, { min: 8, max: MOST_HEAD_SIZE });
  if (headSize % 8 !== 0) throw new RangeError(`${where}: layout.headSize must be a multiple of 8, got ${headSize}`);
  checkInteger(where, 'layout.kvHeads', kvHeads, { min: 1, max: heads });
  if (heads % kvHeads !== 0) throw new RangeError(`${where}: layout.kvHeads must divide ${heads}, got ${kvHeads}`);
}

/** Of `pages`: pages of a sequence. */
const pageStride = (pages: Tensor): number => pages.shape[pages.shape.length - 1];

/** What the kernels that read projections share. */
function rotation({ projected, layout, norms, rope, cache, steps }: RotationCall) {
  const { keys, values, pages } = cache;
  return {
    buffers: {
      projected,
      queryNorm: norms?.query ?? projected,
      keyNorm: norms?.key ?? projected,
      rope: rope.table,
      pages,
      steps,
      keys,
      values,
    },
    params: {
      stride: layout.stride,
      kOffset: layout.keyColumn,
      vOffset: layout.valueColumn,
      ropeDims: rope.dims,
      pageStride: pageStride(pages),
      epsilon: norms?.epsilon ?? 0,
    },
    constants: { headSize: layout.headSize, ropeStyle: ROPE_STYLES.indexOf(rope.style), normed: norms ? 1 : 0 },
  };
}

/**
 * Records norm and rotation of the rows' queries, into [rows][heads][headSize] of `queries` (f32, or f16 as its type says),
 * and the same of keys, which go to the cache with the values.
 */
export function recordRope(recorder: Recorder, call: RotationCall & { readonly queries: Tensor }): void {
  checkCall('recordRope', recorder, call);
  const { rows, layout, queries } = call;
  checkHeads('recordRope', layout);
  const { heads, kvHeads, headSize } = layout;
  const { buffers, params, constants } = rotation(call);
  const lanes = 2 ** Math.ceil(Math.log2(headSize / 8));
  recorder.dispatch('rope_rows', {
    buffers: { ...buffers, queries },
    params: { ...params, heads, kvHeads },
    constants: { ...constants, halfQueries: queries.type === 'f16' ? 1 : 0 },
    grid: [Math.ceil((heads + 2 * kvHeads) / (WORKGROUP / lanes)), rows],
  });
}

/** Counters that a recorder has zeroed: kernels leave them so. */
const zeroed = new WeakMap<Recorder, WeakSet<Tensor>>();

function zeroOnce(recorder: Recorder, counters: Tensor): void {
  const known = zeroed.get(recorder) ?? new WeakSet();
  zeroed.set(recorder, known);
  if (known.has(counters)) return;
  known.add(counters);
  recorder.fill(counters, 0);
}

/** Attention row by row; `queries` where the rows were rotated before. */
function recordRows(recorder: Recorder, call: AttentionCall, queries?: Tensor): void {
  const { rows, layout, window, scale, output, scratch } = call;
  const { heads, kvHeads, headSize } = layout;
  const group = heads / kvHeads;
  checkInteger('recordAttention', 'heads of a kv head', group, { min: 1, max: MOST_GROUP });
  const { device } = output.values;
  const splits = splitsFor(device, kvHeads, rows);
  const { buffers, params, constants } = rotation(call);
  const partials = scratch('partials', 'f32', [rows, kvHeads, splits, group * headSize + 4 * Math.ceil(group / 2)]);
  const counters = scratch('counters', 'u32', [rows, kvHeads]);
  zeroOnce(recorder, counters);
  recorder.dispatch('attend_rows', {
    buffers: {
      ...buffers,
      ...(queries && { projected: queries }),
      partials,
      counters,
      attended: output.values,
      blocks: output.blocks,
    },
    params: { ...params, ...(queries && { stride: heads * headSize }), window, scale },
    constants: {
      ...constants,
      group,
      fused: queries ? 0 : 1,
      form: FORMS.indexOf(output.form),
      unrolled: unrolledOn(device),
    },
    grid: [kvHeads, splits, rows],
  });
}

/** Attention of consecutive rows of one sequence. */
function recordChunk(recorder: Recorder, call: AttentionCall, queries: Tensor): void {
  const { rows, layout, cache, steps, window, scale, output } = call;
  const { heads, kvHeads, headSize } = layout;
  const onUnits = takesUnits(output.values.device, headSize);
  recorder.dispatch(onUnits ? 'attend_chunk_coop' : 'attend_chunk', {
    buffers: { queries, ...cache, steps, attended: output.values, blocks: output.blocks },
    params: { rows, heads, kvHeads, pageStride: pageStride(cache.pages), window, scale },
    constants: { headSize, halfQueries: queries.type === 'f16' ? 1 : 0, form: FORMS.indexOf(output.form) },
    grid: [Math.ceil(rows / CHUNK_TILE), heads],
  });
}

const takesUnits = (device: Device, headSize: number): boolean => headSize % 16 === 0 && hasMatrixUnits(device);

/**
 * Records attention of rows of a fused projection, whose new keys and values go to the cache. Rows that are not live
 * become zeros.
 */
export function recordAttention(recorder: Recorder, call: AttentionCall): void {
  const where = 'recordAttention';
  checkCall(where, recorder, call);
  const { rows, order, layout, output, scratch } = call;
  checkOneOf(where, 'order', order, ORDERS);
  checkHeads(where, layout);
  const { heads, headSize } = layout;
  if (output.form === 'q8' && headSize % BLOCK !== 0)
    throw new RangeError(`${where}: output must be f32 or f16 for heads of ${headSize}, got q8`);
  if (order === 'steps') {
    recordRows(recorder, call);
    return;
  }
  const isHalf = order === 'chunk' && takesUnits(output.values.device, headSize);
  const queries = scratch(isHalf ? 'half queries' : 'queries', isHalf ? 'f16' : 'f32', [rows, heads, headSize]);
  recordRope(recorder, { ...call, queries });
  if (order === 'chunk') recordChunk(recorder, call, queries);
  else recordRows(recorder, call, queries);
}
