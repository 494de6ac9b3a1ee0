// What a model is given: a text or token ids. Both are checked, and become ids.
import { checkInteger, describe } from '../runtime/validate.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** A text, or token ids. */
export type Prompt = string | ArrayLike<number>;

export interface PromptRules {
  readonly where: string;
  readonly name: string;
  readonly vocabulary: number;
  /** Tokens at least. */
  readonly min: number;
  /** Tokens at most. */
  readonly max: number;
  /** What is too long loses its end. */
  readonly truncate?: boolean;
}

/** A text, or ids that keep the rules. */
export type CheckedPrompt = string | readonly number[];

/** Ids that keep the rules. */
export function checkIds(given: ArrayLike<number>, rules: PromptRules): readonly number[] {
  const { where, name, vocabulary, min, max, truncate = false } = rules;
  const ids = Array.from(given);
  const tokens = (count: number) => `${count} token${count === 1 ? '' : 's'}`;
  if (ids.length < min)
    throw new RangeError(`${where}: ${name} must have at least ${tokens(min)}, got ${ids.length || 'none'}`);
  if (ids.length > max && !truncate)
    throw new RangeError(`${where}: ${name} must have at most ${tokens(max)} (the context), got ${ids.length}`);
  const wrong = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary));
  if (wrong >= 0) checkInteger(where, `${name}[${wrong}]`, ids[wrong], { min: 0, max: vocabulary - 1 });
  return ids.length > max ? ids.slice(0, max) : ids;
}

/** What can be said of a prompt before its text is tokenized. */
export function checkPrompt(prompt: unknown, rules: PromptRules): CheckedPrompt {
  if (typeof prompt === 'string') return prompt;
  if (Array.isArray(prompt) || ArrayBuffer.isView(prompt)) return checkIds(prompt as unknown as number[], rules);
  throw new TypeError(`${rules.where}: ${rules.name} must be a string or token ids, got ${describe(prompt)}`);
}

/** The ids at once: for texts of a context's length. */
export function idsOf(prompt: CheckedPrompt, rules: PromptRules, tokenizer: () => Tokenizer): readonly number[] {
  return typeof prompt === 'string' ? checkIds(tokenizer().encode(prompt), rules) : prompt;
}

/** The ids, with turns of the event loop while a long text is tokenized. */
export async function idsInTurns(
  prompt: CheckedPrompt,
  rules: PromptRules,
  tokenizer: () => Tokenizer,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  return typeof prompt === 'string' ? checkIds(await tokenizer().encodeInTurns(prompt, { signal }), rules) : prompt;
}
