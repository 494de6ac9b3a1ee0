// Options that every training method takes, checked in one place.
import { Device } from '../runtime/device.js';
import { checkInteger, checkOneOf, checkOptions, checkSignal, describe } from '../runtime/validate.js';
import type { KMeansInit } from './seeding.js';
import type { KMeansProgress } from './train-centroids.js';

export interface TrainingOptions {
  /** Iterations of k-means at most. Default 25. */
  iterations?: number;
  /** Stop when an iteration improves the objective by less than this share. 0: never. Default 1e-4. */
  tolerance?: number;
  /** The same seed gives the same result on the same device. Default 0. */
  seed?: number;
  /** Aborting rejects with `signal.reason` and frees everything. */
  signal?: AbortSignal;
  /** Called after each iteration. */
  onProgress?: (progress: KMeansProgress) => void;
}

export const TRAINING_KEYS = ['iterations', 'tolerance', 'seed', 'signal', 'onProgress'] as const;

/** The most dimensions a vector may have. */
export const MAX_DIMENSIONS = 65536;

export function checkTraining(where: string, options: TrainingOptions) {
  const { iterations = 25, tolerance = 1e-4, seed = 0, signal, onProgress } = options;
  checkInteger(where, 'iterations', iterations, { min: 1, max: 100_000 });
  checkInteger(where, 'seed', seed, { min: 0, max: 0xffffffff });
  if (typeof tolerance !== 'number' || !(tolerance >= 0 && tolerance < 1))
    throw new RangeError(`${where}: tolerance must be a number from 0 to below 1, got ${describe(tolerance)}`);
  checkSignal(where, signal);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new TypeError(`${where}: onProgress must be a function, got ${describe(onProgress)}`);
  return { iterations, tolerance, seed, signal, onProgress };
}

export function checkDevice(where: string, device: unknown): asserts device is Device {
  if (!(device instanceof Device)) throw new TypeError(`${where}: device must be a Device, got ${describe(device)}`);
}

/** Checks the keys and the dimensions that every factory's options have. */
export function checkShape(where: string, options: { dimensions: number }, keys: readonly string[]): void {
  if (options === undefined) throw new TypeError(`${where}: options must be an object with dimensions, got undefined`);
  checkOptions(where, options, keys);
  checkInteger(where, 'dimensions', options.dimensions, { min: 1, max: MAX_DIMENSIONS });
}

export function checkInit(where: string, init: unknown, numbers: number): asserts init is KMeansInit | Float32Array {
  if (!(init instanceof Float32Array)) return void checkOneOf(where, 'init', init, ['random', 'k-means++']);
  if (init.length !== numbers)
    throw new RangeError(`${where}: init must hold clusters × dimensions = ${numbers} numbers, got ${init.length}`);
}
