// Where a byte-level vocabulary cuts a text into words before merging: regular expressions by the name in the file.
import { ComputeError } from '../../runtime/errors.js';

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const WORDS = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const REST = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const LLAMA3 = `${CONTRACTIONS}|${WORDS}|\\p{N}{1,3}|${REST}`;
const QWEN2 = `${CONTRACTIONS}|${WORDS}|\\p{N}|${REST}`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const BEFORE = String.raw`[^\r\n\p{L}\p{N}]?`;
const SLASHED_REST = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const TEKKEN = `${BEFORE}${UPPER}*${LOWER}+|${BEFORE}${UPPER}+${LOWER}*|\\p{N}|${SLASHED_REST}`;
const GPT4O = `${BEFORE}${UPPER}*${LOWER}+${CONTRACTIONS}?|${BEFORE}${UPPER}+${LOWER}*${CONTRACTIONS}?|\\p{N}{1,3}|${SLASHED_REST}`;

/** Applied one after another: each cuts the parts that those before it have left. */
const PATTERNS: Readonly<Record<string, readonly string[]>> = {
  default: [String.raw`[\p{P}\$\+<=>\^~\|]+`, GPT2.replace(/\|\\s\+$/, ''), String.raw`\p{N}+`, '[0-9][0-9][0-9]'],
  'gpt-2': [GPT2],
  smollm: [String.raw`\p{N}`, GPT2],
  'llama-bpe': [LLAMA3],
  qwen2: [QWEN2],
  tekken: [TEKKEN],
  'gpt-4o': [GPT4O],
};

/** Other names of the same patterns. */
const ALIASES: Readonly<Record<string, string>> = {
  'phi-2': 'gpt-2',
  mpt: 'gpt-2',
  olmo: 'gpt-2',
  jais: 'gpt-2',
  'roberta-bpe': 'gpt-2',
  starcoder: 'smollm',
  refact: 'smollm',
  'command-r': 'smollm',
  codeshell: 'smollm',
  llama3: 'llama-bpe',
  'llama-v3': 'llama-bpe',
  falcon3: 'llama-bpe',
  'smaug-bpe': 'llama-bpe',
  dbrx: 'llama-bpe',
  'deepseek-r1-qwen': 'qwen2',
  stablelm2: 'qwen2',
  megrez: 'qwen2',
  llama4: 'gpt-4o',
};

/** The alternatives without regard to case; U+017F is a form of s. */
const withoutCase = (pattern: string) =>
  pattern.replace(/[a-z]/gi, (letter) => {
    const [lower, upper] = [letter.toLowerCase(), letter.toUpperCase()];
    return `[${lower}${upper}${lower === 's' ? 'ſ' : ''}]`;
  });

/** An expression in the syntax of Oniguruma as one of JavaScript; both as far as tokenizers use them. */
export function toRegExp(pattern: string): RegExp {
  const source = pattern
    .replace(/\(\?i:([^()]*)\)/g, (_, inner: string) => `(?:${withoutCase(inner)})`)
    .replace(/\\s/g, '\\p{White_Space}')
    .replace(/\\S/g, '\\P{White_Space}')
    .replace(/\\([\n '"<>=!~@#%&,;:`_])/g, '$1');
  try {
    return new RegExp(source, 'gu');
  } catch (cause) {
    // JavaScript has no possessive quantifiers; a greedy one matches the same where it need not give back.
    const greedy = source.replace(/(?<!\\)([?+*}])\+/g, '$1');
    if (greedy !== source) return new RegExp(greedy, 'gu');
    throw new ComputeError('UNSUPPORTED', `the tokenizer's expression ${pattern} is not understood`, { cause });
  }
}

/** Parts of a text, found as they are asked for. */
export type Splitter = (text: string) => Iterable<string>;

/** What an expression matches, and what lies between, each a part of its own. */
export function isolating(expression: RegExp): Splitter {
  return function* (text) {
    let end = 0;
    for (const match of text.matchAll(expression)) {
      if (match[0] === '') continue;
      if (match.index > end) yield text.slice(end, match.index);
      yield match[0];
      end = match.index + match[0].length;
    }
    if (end < text.length) yield text.slice(end);
  };
}

/** The parts of each part. */
export function* splitEach(
  parts: Iterable<string>,
  split: (part: string, index: number) => Iterable<string>,
): Iterable<string> {
  let index = 0;
  for (const part of parts) yield* split(part, index++);
}

function inSequence(splitters: readonly Splitter[]): Splitter {
  if (splitters.length === 1) return splitters[0];
  return (text) => splitters.reduce<Iterable<string>>(splitEach, [text]);
}

/** GPT-2's own. */
export const gpt2Splitter = (): Splitter => isolating(toRegExp(GPT2));

/** The splitter that a GGUF file names in `tokenizer.ggml.pre`, and that name without its aliases. */
export function namedSplitter(name: string): { name: string; split: Splitter } {
  const known = ALIASES[name] ?? name;
  const patterns = Object.hasOwn(PATTERNS, known) ? PATTERNS[known] : undefined;
  if (!patterns) {
    throw new ComputeError('UNSUPPORTED', `the pre-tokenizer '${name}' is not known`, {
      suggestion: `known are ${[...Object.keys(PATTERNS), ...Object.keys(ALIASES)].join(', ')}`,
    });
  }
  return { name: known, split: inSequence(patterns.map((pattern) => isolating(toRegExp(pattern)))) };
}
