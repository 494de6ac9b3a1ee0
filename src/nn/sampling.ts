// Choosing the next token of each row of logits, on the device: what the host writes, and the two kernels.
import type { Recorder } from '../runtime/program.js';
import { checkTensor, type Tensor } from '../runtime/tensor.js';
import { checkFloat, checkInteger, checkObject, checkOptions, describe } from '../runtime/validate.js';
import { checkCall } from './checks.js';

/** In Hugging Face's order: penalties, temperature, top-k, top-p, min-p. */
export interface SamplingOptions {
  /** 0 takes the most probable token, the lowest id of equals. Default 1. */
  temperature?: number | undefined;
  /** Only the k most probable tokens; 0 for all. Default 0. */
  topK?: number | undefined;
  /** Only the smallest set of most probable tokens with this much probability. Default 1. */
  topP?: number | undefined;
  /** Only tokens with this share of the largest probability. Default 0. */
  minP?: number | undefined;
  /** Logits of tokens of the prompt and of generated ones are divided by it, or multiplied where negative. Default 1. */
  repetitionPenalty?: number | undefined;
  /** Taken from logits of generated tokens, once. Default 0. */
  presencePenalty?: number | undefined;
  /** Taken from logits of generated tokens, for each time. Default 0. */
  frequencyPenalty?: number | undefined;
  /** Of the draws: the same seed and logits give the same tokens. Default 0. */
  seed?: number | bigint | undefined;
}

export const SAMPLING_OPTIONS: readonly (keyof SamplingOptions)[] = [
  'temperature',
  'topK',
  'topP',
  'minP',
  'repetitionPenalty',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
];

/** The last number of a step: no row at all, a row that chooses a token, a row that does not. */
export const LIVE = { padding: 0, sampled: 1, unsampled: 2 } as const;
/** In `chosen` where no logit was finite. */
export const NO_TOKEN = 0xffffffff;
/** Words of a slot's sampling state. */
export const SAMPLING_WORDS = 16;
/** Of a slot's state: how many tokens it has drawn. */
export const COUNTER_WORD = 11;
/** Bit of a token's count: the token is in the prompt. The lower bits count how often it was generated. */
const IN_PROMPT = 0x80000000;
const MAX_VOCABULARY = 1024 * 512;

const LOGIT_BLOCK = 512;
const PENALISED = 1;
const TRUNCATED = 2;
const MAX_TEMPERATURE = 1000;
/** Below it a draw is the largest logit anyway, and scaled logits might overflow. */
const LEAST_TEMPERATURE = 1e-4;
/** Tokens whose probability is less than 2^-32 of the largest count as nothing. */
const NEGLIGIBLE = 33 * Math.LN2;

export function checkSampling(where: string, options: SamplingOptions): void {
  checkOptions(where, options, SAMPLING_OPTIONS);
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, seed = 0 } = options;
  checkFloat(where, 'temperature', temperature, { min: 0, max: MAX_TEMPERATURE });
  checkInteger(where, 'topK', topK, { min: 0, max: 0xffffffff });
  checkFloat(where, 'topP', topP, { min: 0, max: 1 });
  checkFloat(where, 'minP', minP, { min: 0, max: 1 });
  checkFloat(where, 'repetitionPenalty', repetitionPenalty, { min: 0.01, max: 100 });
  checkFloat(where, 'presencePenalty', options.presencePenalty ?? 0, { min: -100, max: 100 });
  checkFloat(where, 'frequencyPenalty', options.frequencyPenalty ?? 0, { min: -100, max: 100 });
  if (typeof seed !== 'bigint') checkInteger(where, 'seed', seed, { min: 0, max: Number.MAX_SAFE_INTEGER });
  else if (seed < 0n || seed >= 2n ** 64n)
    throw new RangeError(`${where}: seed must be from 0 to 2^64 - 1, got ${describe(seed)}`);
}

/** Whether these options look at tokens that were there before: such a slot needs counts. */
export function isPenalized({
  repetitionPenalty = 1,
  presencePenalty = 0,
  frequencyPenalty = 0,
}: SamplingOptions): boolean {
  return repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
}

/** The state that a slot begins with: SAMPLING_WORDS words. `drawn`: how many tokens were drawn with this seed. */
export function encodeSampling(options: SamplingOptions, vocabulary: number, drawn = 0): Uint32Array {
  const where = 'encodeSampling';
  checkObject(where, 'options', options);
  checkSampling(where, options);
  checkInteger(where, 'vocabulary', vocabulary, { min: 1, max: MAX_VOCABULARY });
  const { topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = options;
  const temperature = (options.temperature ?? 1) < LEAST_TEMPERATURE ? 0 : (options.temperature ?? 1);
  const seed = BigInt(options.seed ?? 0);
  const few = topK > 0 && topK < vocabulary ? topK : 0;
  const truncated = temperature > 0 && (few > 0 || topP < 1 || minP > 0);
  const state = new Uint32Array(SAMPLING_WORDS);
  const floats = new Float32Array(state.buffer);
  floats[0] = temperature === 0 ? 0 : Math.LOG2E / temperature;
  state[1] = few;
  floats[2] = topP;
  floats[3] = -Math.log(minP) * temperature;
  // What is less probable than (1 - p) / vocabulary is not more than 1 - p together.
  floats[4] = Math.min(Math.log(vocabulary / (1 - topP)) + 0.1, NEGLIGIBLE) * temperature;
  floats.set([repetitionPenalty, 1 / repetitionPenalty, presencePenalty, frequencyPenalty], 5);
  state[9] = Number(seed & 0xffffffffn);
  state[10] = Number(seed >> 32n);
  state[COUNTER_WORD] = drawn;
  state[12] = (isPenalized(options) ? PENALISED : 0) | (truncated ? TRUNCATED : 0);
  return state;
}

/** The counts that a slot begins with: the tokens of its prompt are marked. `generated` were sampled before. */
export function promptCounts(
  prompt: ArrayLike<number>,
  vocabulary: number,
  generated: ArrayLike<number> = [],
): Uint32Array {
  const counts = new Uint32Array(vocabulary);
  for (let i = 0; i < prompt.length; i++) counts[prompt[i]] = IN_PROMPT;
  for (let i = 0; i < generated.length; i++) counts[generated[i]]++;
  return counts;
}

/** Words of the tensor `winners` that `recordSampling` takes. */
export function winnerWords(rows: number, vocabulary: number): number {
  return rows * Math.ceil(vocabulary / LOGIT_BLOCK) * 4;
}

export interface SamplingCall {
  /** f32 [rows, stride]. With `counts`, logits of penalised slots are changed in place. */
  readonly logits: Tensor;
  /** u32 [first step + rows, 4]; a row that chooses gets the token and the next position. */
  readonly steps: Tensor;
  /** u32 [slots, SAMPLING_WORDS], each as `encodeSampling` gives it. Each slot may choose in one row only. */
  readonly sampling: Tensor;
  /** u32 [slots, vocabulary]; needed where a slot has penalties. Tokens chosen by such slots are counted. */
  readonly counts?: Tensor | undefined;
  /** Scratch: u32 of `winnerWords`. */
  readonly winners: Tensor;
  /** u32 [rows]; rows that do not choose keep what is there. */
  readonly chosen: Tensor;
  readonly rows: number;
  readonly vocabulary: number;
  /** From a row of logits to the next. Default: `vocabulary`. */
  readonly stride?: number | undefined;
  /** The step of the first row of logits. Default 0. */
  readonly firstStep?: number | undefined;
}

/** Two dispatches: `chosen` and the next step of every row whose step asks for it. */
export function recordSampling(recorder: Recorder, call: SamplingCall): void {
  checkCall('recordSampling', recorder, call);
  const { logits, steps, sampling, winners, chosen, rows, vocabulary } = call;
  const { counts = sampling, stride = vocabulary, firstStep = 0 } = call;
  checkInteger('recordSampling', 'vocabulary', vocabulary, { min: 1, max: MAX_VOCABULARY });
  checkTensor('recordSampling', 'winners', winners);
  checkInteger('recordSampling', 'winners', winners.length, { min: winnerWords(rows, vocabulary) });
  const params = { vocabulary, stride, firstStep, penalised: call.counts === undefined ? 0 : 1 };
  recorder.dispatch('logit_blocks', {
    buffers: { logits, steps, sampling, counts, winners },
    params,
    grid: [Math.ceil(vocabulary / LOGIT_BLOCK), rows],
  });
  recorder.dispatch('sample_rows', {
    buffers: { logits, winners, steps, sampling, counts, chosen },
    params,
    grid: [rows],
  });
}
