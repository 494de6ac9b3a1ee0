// Tables of rotary position embeddings: the cosine and sine that each pair of a head's numbers is turned by.
// Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding" (2021).
import { checkFloat, checkInteger, checkObject, checkOneOf } from '../runtime/validate.js';

/** How frequencies are stretched for contexts longer than those of the first training. */
export type RopeTableScaling =
  /** All frequencies divided by `factor`. */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Low frequencies divided by `factor`, high ones kept, a ramp between them (Llama 3.1). */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContext: number;
    }
  /** Source: Peng et al., "YaRN: Efficient Context Window Extension of Large Language Models" (2023). */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalContext: number;
      /** Default 32. */
      readonly betaFast?: number | undefined;
      /** Default 1. */
      readonly betaSlow?: number | undefined;
      /** Of cosines and sines; default 0.1 ln(factor) + 1. */
      readonly attentionFactor?: number | undefined;
    }
  /** Source: Ding et al., "LongRoPE" (2024). A divisor of each frequency, other ones for tables beyond `originalContext`. */
  | {
      readonly kind: 'longrope';
      readonly shortFactors: ArrayLike<number>;
      readonly longFactors: ArrayLike<number>;
      readonly originalContext: number;
      /** Of cosines and sines. */
      readonly attentionFactor: number;
    };

export interface RopeTableOptions {
  /** Numbers of a head that are turned; even. */
  readonly dims: number;
  readonly positions: number;
  /** Base of the frequencies. */
  readonly theta: number;
  readonly scaling?: RopeTableScaling | undefined;
  /** A divisor of each of the dims / 2 frequencies, before any scaling. */
  readonly factors?: ArrayLike<number> | undefined;
}

const KINDS = ['linear', 'llama3', 'yarn', 'longrope'] as const;
const WHERE = 'ropeTable';

type Scaling<K extends RopeTableScaling['kind']> = Extract<RopeTableScaling, { kind: K }>;

const clamp = (value: number) => Math.min(1, Math.max(0, value));

/** By wave length: short ones are kept, long ones divided. */
function stretchLlama3(frequency: number, scaling: Scaling<'llama3'>): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI);
  const kept = high === low ? Number(turns >= high) : clamp((turns - low) / (high - low));
  return frequency * (kept + (1 - kept) / factor);
}

function stretchYarn(frequency: number, i: number, options: RopeTableOptions, scaling: Scaling<'yarn'>): number {
  const { factor, originalContext, betaFast = 32, betaSlow = 1 } = scaling;
  const { dims, theta } = options;
  /** The pair that turns so many times within the original context. */
  const pairOf = (turns: number) => (dims * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const low = Math.max(Math.floor(pairOf(betaFast)), 0);
  const high = Math.min(Math.ceil(pairOf(betaSlow)), dims - 1);
  const divided = clamp((i - low) / (high === low ? 0.001 : high - low));
  return frequency * (1 - divided + divided / factor);
}

function checkFactors(name: string, factors: ArrayLike<number>, pairs: number): void {
  if (factors.length !== pairs) throw new RangeError(`${WHERE}: ${name} must be ${pairs}, got ${factors.length}`);
}

function longFactors(options: RopeTableOptions, scaling: Scaling<'longrope'>): ArrayLike<number> {
  const isLong = options.positions > scaling.originalContext;
  const factors = isLong ? scaling.longFactors : scaling.shortFactors;
  checkFactors(`scaling.${isLong ? 'longFactors' : 'shortFactors'}`, factors, options.dims / 2);
  return factors;
}

/** What a position turns each pair by, in radians. */
function frequencies(options: RopeTableOptions): Float64Array {
  const { dims, theta, scaling, factors } = options;
  if (factors) checkFactors('factors', factors, dims / 2);
  const divisors = scaling?.kind === 'longrope' ? longFactors(options, scaling) : undefined;
  return Float64Array.from({ length: dims / 2 }, (_, i) => {
    const frequency = theta ** ((-2 * i) / dims) / (factors?.[i] ?? 1);
    if (scaling?.kind === 'linear') return frequency / scaling.factor;
    if (scaling?.kind === 'llama3') return stretchLlama3(frequency, scaling);
    if (scaling?.kind === 'yarn') return stretchYarn(frequency, i, options, scaling);
    return divisors ? frequency / divisors[i] : frequency;
  });
}

/** Factor of cosines and sines. */
function magnitude(scaling: RopeTableScaling | undefined): number {
  if (scaling?.kind === 'longrope') return scaling.attentionFactor;
  if (scaling?.kind !== 'yarn') return 1;
  return scaling.attentionFactor ?? (scaling.factor > 1 ? 0.1 * Math.log(scaling.factor) + 1 : 1);
}

/**
 * (cosine, sine) of [positions][dims / 2].
 *
 * @example
 * const table = ropeTable({ dims: 128, positions: 4096, theta: 10_000 }); // Float32Array of 4096 x 64 x 2
 */
export function ropeTable(options: RopeTableOptions): Float32Array {
  checkObject(WHERE, 'options', options);
  const { dims, positions, theta, scaling } = options;
  checkInteger(WHERE, 'dims', dims, { min: 2 });
  if (dims % 2 !== 0) throw new RangeError(`${WHERE}: dims must be even, got ${dims}`);
  checkInteger(WHERE, 'positions', positions, { min: 1 });
  checkFloat(WHERE, 'theta', theta, { min: 1 });
  if (scaling) checkOneOf(WHERE, 'scaling.kind', scaling.kind, KINDS);
  const turns = frequencies(options);
  const factor = magnitude(scaling);
  const table = new Float32Array(positions * dims);
  for (let position = 0, at = 0; position < positions; position++) {
    for (const turn of turns) {
      table[at++] = factor * Math.cos(position * turn);
      table[at++] = factor * Math.sin(position * turn);
    }
  }
  return table;
}
