// Whether a model fits the device, known before anything is loaded.
import { TILE_ROWS, tileBytes, type WeightShape } from '../nn/weights.js';
import type { Device } from '../runtime/device.js';
import { ComputeError } from '../runtime/errors.js';
import type { LoadPlan } from './load-plan.js';

/** In bytes. */
interface MemoryNeed {
  readonly weights: number;
  readonly kvPerToken: number;
  /** Tokens that the KV cache holds. */
  readonly tokens: number;
  /** Everything else that stays: activations, logits, tables. */
  readonly working: number;
  /** Needed beside the weights until they are there; `loadingBytes` says it. */
  readonly loading: number;
  /** The weights are plain numbers that could be quantized. */
  readonly quantizable?: boolean;
}

const LARGE_BYTES = 64 * 2 ** 20;
const LARGE_STEP = 2 * 2 ** 20;
const SMALLEST = 256;

/** What an allocation of so many bytes really takes, as the device's pool rounds it. */
export function allocatedBytes(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  const step = bytes > LARGE_BYTES ? LARGE_STEP : 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

function matrixBytes(shape: WeightShape): number {
  const tiles = Math.ceil(shape.rows / TILE_ROWS);
  const { quants, scales } = tileBytes(shape);
  return allocatedBytes(tiles * quants) + (scales === 0 ? 0 : allocatedBytes(tiles * scales));
}

/** What the weights of a plan take on the device. */
export const plannedWeightBytes = ({ matrices, vectors }: LoadPlan): number =>
  matrices.reduce((sum, { shape }) => sum + matrixBytes(shape), 0) +
  vectors.reduce((sum, { length }) => sum + allocatedBytes(4 * length), 0);

const gigabytes = (bytes: number): string =>
  bytes >= 5e7 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;

function suggestion({ weights, kvPerToken, working, loading, quantizable }: MemoryNeed, free: number): string {
  const fitting = Math.floor((free - weights - working) / kvPerToken / 32) * 32;
  if (fitting >= 32 && weights + loading <= free) return `use a context of at most ${fitting} tokens`;
  const other = 'dispose of what else is on the device, or use a smaller model';
  return quantizable ? `load it with its weights quantized to int8 or int4, or ${other}` : other;
}

/** Throws `ComputeError` `OUT_OF_MEMORY` where `device.memory().freeBytes` is less than the model needs. */
export function checkMemory(device: Device, need: MemoryNeed): void {
  const { freeBytes } = device.memory();
  const { weights, kvPerToken, tokens, working, loading } = need;
  const cache = kvPerToken * tokens;
  const needed = weights + Math.max(cache + working, loading);
  if (needed <= freeBytes) return;
  const parts = [`weights ${gigabytes(weights)}`, `KV cache ${gigabytes(cache)} for ${tokens} tokens`];
  if (loading > cache + working) parts.push(`while loading ${gigabytes(loading)} instead`);
  else parts.push(`working memory ${gigabytes(working)}`);
  throw new ComputeError(
    'OUT_OF_MEMORY',
    `the model needs ${gigabytes(needed)} (${parts.join(', ')}), the device has ${gigabytes(freeBytes)} free`,
    { suggestion: suggestion(need, freeBytes) },
  );
}
