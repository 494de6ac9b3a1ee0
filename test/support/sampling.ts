// The sampler in float64: probabilities by sorting, and which token a draw with a seed takes.
import type { SamplingOptions } from '../../src/nn/sampling.js';

export const LOGIT_BLOCK = 512;

export interface Seen {
  readonly inPrompt?: boolean;
  readonly generated?: number;
}

/** Logits after penalties; `seen` by token. */
export function penalised(
  logits: ArrayLike<number>,
  options: SamplingOptions,
  seen: ReadonlyMap<number, Seen>,
): number[] {
  const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = options;
  return Array.from(logits, (logit, id) => {
    const { inPrompt = false, generated = 0 } = seen.get(id) ?? {};
    if (!inPrompt && generated === 0) return logit;
    const repeated = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    return generated === 0 ? repeated : repeated - presencePenalty - frequencyPenalty * generated;
  });
}

/** The probability of each token that may be drawn. `margin`: how far a decision by top-p or min-p was from its bound. */
export function distribution(
  logits: ArrayLike<number>,
  options: SamplingOptions,
): { probabilities: Map<number, number>; margin: number } {
  const { temperature = 1, topK = 0, topP = 1, minP = 0 } = options;
  const finite = Array.from(logits, (logit, id) => ({ id, logit })).filter(({ logit }) => Number.isFinite(logit));
  const order = finite.sort((a, b) => b.logit - a.logit || a.id - b.id);
  const kept = order.slice(0, topK > 0 ? topK : order.length);
  const weights = kept.map(({ logit }) => Math.exp((logit - kept[0].logit) / temperature));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let [count, sum, margin] = [0, 0, 1];
  while (count < kept.length && (topP === 1 || sum < topP * whole || count === 0)) {
    sum += weights[count++];
    if (topP < 1) margin = Math.min(margin, Math.abs(sum / whole - topP));
  }
  const least = weights.slice(0, count).filter((weight) => weight >= minP);
  for (const weight of weights) if (weight !== minP) margin = Math.min(margin, Math.abs(weight / minP - 1));
  const total = least.reduce((partial, weight) => partial + weight, 0);
  return { probabilities: new Map(least.map((weight, i) => [kept[i].id, weight / total])), margin };
}

const hash = (value: number): number => {
  const state = (Math.imul(value, 747796405) + 2891336453) >>> 0;
  const word = Math.imul(((state >>> ((state >>> 28) + 4)) ^ state) >>> 0, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
};

/** Gumbel noise in units of log2, as sampling.glsl defines it. */
function noiseOf(seed: number, counter: number, id: number): number {
  const high = Math.floor(seed / 2 ** 32);
  const first = hash(((seed >>> 0) + hash(counter)) >>> 0);
  const second = hash((high ^ hash((first + 0x9e3779b9) >>> 0)) >>> 0);
  const word = hash((hash((id + first) >>> 0) ^ second) >>> 0);
  return -Math.log2(-Math.log1p(-(word + 0.5) / 2 ** 32) / Math.LN2);
}

/** What logits become, and the best of `ids`: log2(e) / temperature · logit + noise, or the logit itself. */
export function scoreOf(logit: number, id: number, options: SamplingOptions, counter: number): number {
  const { temperature = 1, seed = 0 } = options;
  if (temperature === 0) return logit;
  return (logit * Math.LOG2E) / temperature + noiseOf(Number(seed), counter, id);
}

export interface Draw {
  readonly id: number;
  /** From the best score to the next one. */
  readonly margin: number;
}

export function bestOf(
  ids: Iterable<number>,
  logits: ArrayLike<number>,
  options: SamplingOptions,
  counter: number,
): Draw {
  let [best, next, id] = [-Infinity, -Infinity, 0xffffffff];
  for (const candidate of ids) {
    if (!Number.isFinite(logits[candidate])) continue;
    const score = scoreOf(logits[candidate], candidate, options, counter);
    const wins = score > best || (score === best && candidate < id);
    if (wins) [best, next, id] = [score, best, candidate];
    else next = Math.max(next, score);
  }
  return { id, margin: best - next };
}

/** The token that a draw takes. Margin of greedy choices: 1, as equal logits are told apart by their ids. */
export function draw(logits: ArrayLike<number>, options: SamplingOptions, counter: number): Draw {
  if (!Array.prototype.some.call(logits, Number.isFinite)) return { id: 0xffffffff, margin: 1 };
  const greedy = options.temperature === 0;
  const { probabilities, margin } = distribution(logits, greedy ? {} : options);
  const best = bestOf(probabilities.keys(), logits, options, counter);
  // Bounds are decided by sums of weights, which are more exact than scores.
  return { id: best.id, margin: greedy ? 1 : Math.min(best.margin, 100 * margin) };
}

/** Keys order as floats do; 0 for what is not finite. */
export function keyOf(value: number): number {
  if (!Number.isFinite(value)) return 0;
  const bits = new Uint32Array(Float32Array.of(value + 0).buffer)[0];
  return (bits >>> 31 ? ~bits : bits ^ 0x80000000) >>> 0;
}

export interface Winner {
  readonly key: number;
  readonly id: number;
  readonly score: number;
  /** Of weights relative to the largest logit, times 2^22. */
  readonly mass: number;
  readonly margin: number;
}

/** What logit_blocks writes of the block that begins at `first`. */
export function winnerOf(logits: ArrayLike<number>, first: number, options: SamplingOptions, counter: number): Winner {
  const ids = Array.from({ length: Math.min(LOGIT_BLOCK, logits.length - first) }, (_, i) => first + i);
  const finite = ids.filter((id) => Number.isFinite(logits[id]));
  if (finite.length === 0) return { key: 0, id: 0xffffffff, score: 0, mass: 0, margin: 1 };
  const largest = Math.max(...finite.map((id) => logits[id]));
  const { temperature = 1, topK = 0, topP = 1, minP = 0 } = options;
  // Where something bounds the tokens, the draw comes later.
  const scoring = (topK > 0 && topK < logits.length) || topP < 1 || minP > 0 ? { ...options, temperature: 0 } : options;
  const best = bestOf(finite, logits, scoring, counter);
  const mass = finite.reduce((sum, id) => sum + Math.exp((logits[id] - largest) / temperature), 0) * 2 ** 22;
  const score = scoreOf(logits[best.id], best.id, scoring, counter);
  return { key: keyOf(largest), id: best.id, score, mass, margin: scoring.temperature === 0 ? 1 : best.margin };
}
