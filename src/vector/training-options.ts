// Options that every training method takes, checked in one place.
import type { AbortOptions } from '../runtime/abort.js';
import { checkFloat, checkInteger, checkOneOf, checkRunOptions } from '../runtime/validate.js';
import type { KMeansInit } from './seeding.js';
import type { KMeansProgress } from './train-centroids.js';

export interface TrainingOptions extends AbortOptions {
  /** Iterations of k-means at most. Default 25. */
  iterations?: number | undefined;
  /** Stop when an iteration improves the objective by less than this share, 0 to 1. 0: never. Default 1e-4. */
  tolerance?: number | undefined;
  /** The same seed gives the same result on the same device. Default 0. */
  seed?: number | undefined;
  /** Called after each iteration. */
  onProgress?: ((progress: KMeansProgress) => void) | undefined;
}

export const TRAINING_KEYS = ['iterations', 'tolerance', 'seed', 'signal', 'onProgress'] as const;

/** The most dimensions a vector may have. */
export const MAX_DIMENSIONS = 65536;

export function checkTraining(where: string, options: TrainingOptions) {
  const { iterations = 25, tolerance = 1e-4, seed = 0, signal, onProgress } = options;
  checkInteger(where, 'iterations', iterations, { min: 1, max: 100_000 });
  checkInteger(where, 'seed', seed, { min: 0, max: 0xffffffff });
  checkFloat(where, 'tolerance', tolerance, { min: 0, max: 1 });
  return { iterations, tolerance, seed, signal, onProgress };
}

/** Checks the keys, the dimensions, and the signal and callback that a factory's options may have. */
export function checkShape(where: string, options: { dimensions: number }, keys: readonly string[]): void {
  checkRunOptions(where, options, keys, { required: true });
  checkInteger(where, 'dimensions', options.dimensions, { min: 1, max: MAX_DIMENSIONS });
}

export function checkInit(where: string, init: unknown, numbers: number): asserts init is KMeansInit | Float32Array {
  if (!(init instanceof Float32Array)) return void checkOneOf(where, 'init', init, ['random', 'k-means++']);
  if (init.length !== numbers)
    throw new RangeError(`${where}: init must hold clusters × dimensions = ${numbers} numbers, got ${init.length}`);
}
