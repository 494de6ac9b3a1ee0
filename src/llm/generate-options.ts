// What a generation may be told, and its defaults.
import type { SamplingOptions } from '../nn/sampling.js';
import {
  checkBoolean,
  checkFloat,
  checkInteger,
  checkOptions,
  checkSignal,
  checkString,
  describe,
} from '../runtime/validate.js';

export interface GenerateOptions {
  /** Default 256. The context may end a text earlier. */
  maxTokens?: number;
  /** 0 takes the most probable token. Default 0.8. */
  temperature?: number;
  /** Only the k most probable tokens; 0: all. Default 40. */
  topK?: number;
  /** Only the most probable tokens that have this probability together. Default 0.95. */
  topP?: number;
  /** Only tokens that have at least this share of the best one's probability. Default 0.05. */
  minP?: number;
  /** Logits of tokens that the prompt or the text has are divided by it (multiplied, where negative). Default 1. */
  repetitionPenalty?: number;
  /** Taken off the logits of tokens that the text has. Default 0. */
  presencePenalty?: number;
  /** The same for each time that the text has them. Default 0. */
  frequencyPenalty?: number;
  /** The same seed gives the same text on the same device. Default: another one each time. */
  seed?: number;
  /** The text ends before any of these. */
  stop?: string | readonly string[];
  /** Tokens that end the text beside the model's own. */
  stopIds?: readonly number[];
  /** Go on behind the model's end tokens. Default false. */
  ignoreEnd?: boolean;
  signal?: AbortSignal;
}

export type CheckedOptions = Omit<Required<GenerateOptions>, 'signal' | 'stop'> & {
  readonly stop: readonly string[];
  readonly signal?: AbortSignal | undefined;
};

const KEYS = [
  'maxTokens',
  'temperature',
  'topK',
  'topP',
  'minP',
  'repetitionPenalty',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'stop',
  'stopIds',
  'ignoreEnd',
  'signal',
];

function checkStops(where: string, stop: unknown): readonly string[] {
  const list = typeof stop === 'string' ? [stop] : stop;
  if (!Array.isArray(list))
    throw new TypeError(`${where}: stop must be a string or an array of them, got ${describe(stop)}`);
  return list.map((one, i) => checkString(where, `stop[${i}]`, one));
}

function checkIds(where: string, ids: unknown): readonly number[] {
  if (!Array.isArray(ids)) throw new TypeError(`${where}: stopIds must be an array, got ${describe(ids)}`);
  return ids.map((id, i) => checkInteger(where, `stopIds[${i}]`, id, { min: 0, max: 0xfffffffe }));
}

export function checkGenerateOptions(where: string, options: GenerateOptions = {}): CheckedOptions {
  checkOptions(where, options, KEYS);
  checkSignal(where, options.signal);
  const { maxTokens = 256, topK = 40, seed = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER) } = options;
  const { temperature = 0.8, topP = 0.95, minP = 0.05, ignoreEnd = false } = options;
  const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = options;
  return {
    maxTokens: checkInteger(where, 'maxTokens', maxTokens, { min: 1, max: 0x7fffffff }),
    temperature: checkFloat(where, 'temperature', temperature, { min: 0, max: 100 }),
    topK: checkInteger(where, 'topK', topK, { min: 0, max: 0x7fffffff }),
    topP: checkFloat(where, 'topP', topP, { min: 0, max: 1 }),
    minP: checkFloat(where, 'minP', minP, { min: 0, max: 1 }),
    repetitionPenalty: checkFloat(where, 'repetitionPenalty', repetitionPenalty, { min: 0.01, max: 100 }),
    presencePenalty: checkFloat(where, 'presencePenalty', presencePenalty, { min: -100, max: 100 }),
    frequencyPenalty: checkFloat(where, 'frequencyPenalty', frequencyPenalty, { min: -100, max: 100 }),
    seed: checkInteger(where, 'seed', seed, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    stop: checkStops(where, options.stop ?? []),
    stopIds: checkIds(where, options.stopIds ?? []),
    ignoreEnd: checkBoolean(where, 'ignoreEnd', ignoreEnd),
    signal: options.signal,
  };
}

/** What the device is told. */
export function samplingOf(options: CheckedOptions): SamplingOptions {
  const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed } = options;
  return { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed };
}
