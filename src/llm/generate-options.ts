// What a generation may be told, and its defaults.
import { checkSampling, SAMPLING_OPTIONS, type SamplingOptions } from '../nn/sampling.js';
import type { AbortOptions } from '../runtime/abort.js';
import { checkBoolean, checkInteger, checkRunOptions, checkString, describe } from '../runtime/validate.js';

/**
 * How tokens are chosen, and how a text ends. Without other words the temperature is 0.8, with the 40 most probable tokens
 * (`topK`), 95 % of the probability (`topP`), at least a twentieth of the best one's (`minP`), and another seed each time.
 */
export interface GenerateOptions extends SamplingOptions, AbortOptions {
  /** Default 256. The context may end a text earlier. */
  maxTokens?: number | undefined;
  /** The text ends before any of these. */
  stop?: string | readonly string[] | undefined;
  /** Tokens that end the text beside the model's own. */
  stopIds?: readonly number[] | undefined;
  /** Go on behind the model's end tokens. Default false. */
  ignoreEnd?: boolean | undefined;
}

export interface CheckedOptions {
  readonly sampling: SamplingOptions;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly stopIds: readonly number[];
  readonly ignoreEnd: boolean;
  readonly signal: AbortSignal | undefined;
}

const DEFAULTS = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 } as const;
const KEYS = ['maxTokens', ...SAMPLING_OPTIONS, 'stop', 'stopIds', 'ignoreEnd', 'signal'];

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

/** An option that is given as undefined counts as not given. */
function samplingOf(options: GenerateOptions): SamplingOptions {
  const seed = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
  const given = SAMPLING_OPTIONS.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]);
  return { ...DEFAULTS, seed, ...Object.fromEntries(given) };
}

export function checkGenerateOptions(where: string, options: GenerateOptions = {}): CheckedOptions {
  checkRunOptions(where, options, KEYS);
  const { maxTokens = 256, stop = [], stopIds = [], ignoreEnd = false, signal } = options;
  const sampling = samplingOf(options);
  checkSampling(where, sampling);
  return {
    sampling,
    maxTokens: checkInteger(where, 'maxTokens', maxTokens, { min: 1, max: 0x7fffffff }),
    stop: checkStops(where, stop),
    stopIds: checkIds(where, stopIds),
    ignoreEnd: checkBoolean(where, 'ignoreEnd', ignoreEnd),
    signal,
  };
}
