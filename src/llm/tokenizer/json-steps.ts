// Normalizers and pre-tokenizers of a tokenizer.json as functions.
import { ComputeError } from '../../runtime/errors.js';
import type { Place } from './parts.js';
import { gpt2Splitter, isolating, type Splitter, splitEach, toRegExp } from './pre-tokenizers.js';
import { SPACE_SYMBOL } from './sentence-piece.js';
import { bertNormalizer, bertWords } from './word-piece.js';

/** A node of the file: its `type` says what the other keys are. */
export interface JsonStep {
  readonly type: string;
  readonly [key: string]: unknown;
}

type Normalize = (text: string) => string;
export type Split = (text: string, place: Place) => Iterable<string>;

function unsupported(what: string): ComputeError {
  return new ComputeError('UNSUPPORTED', `tokenizer.json: ${what} is not known`);
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, (character) => `\\${character}`);

function expression(pattern: unknown): RegExp {
  const { String: text, Regex: regex } = pattern as { String?: string; Regex?: string };
  if (typeof text === 'string') return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu');
  if (typeof regex === 'string') return toRegExp(regex);
  throw unsupported('a pattern that is neither String nor Regex');
}

const NORMALIZERS: Readonly<Record<string, (step: JsonStep) => Normalize>> = {
  Sequence: ({ normalizers }) => {
    const steps = (normalizers as JsonStep[]).map(normalizer);
    return (text) => steps.reduce((value, step) => step(value), text);
  },
  Prepend:
    ({ prepend }) =>
    (text) =>
      text === '' ? text : `${prepend}${text}`,
  Replace: ({ pattern, content }) => {
    const found = expression(pattern);
    return (text) => text.replace(found, () => String(content));
  },
  NFC: () => (text) => text.normalize('NFC'),
  NFD: () => (text) => text.normalize('NFD'),
  NFKC: () => (text) => text.normalize('NFKC'),
  NFKD: () => (text) => text.normalize('NFKD'),
  Lowercase: () => (text) => text.toLowerCase(),
  StripAccents: () => (text) => text.replace(/\p{Mn}/gu, ''),
  Strip:
    ({ strip_left, strip_right }) =>
    (text) => {
      const left = strip_left ? text.replace(/^\p{White_Space}+/u, '') : text;
      return strip_right ? left.replace(/\p{White_Space}+$/u, '') : left;
    },
  BertNormalizer: (step) =>
    bertNormalizer({
      cleanText: step.clean_text !== false,
      chineseCharacters: step.handle_chinese_chars !== false,
      stripAccents: (step.strip_accents as boolean | null) ?? undefined,
      lowercase: step.lowercase !== false,
    }),
};

export function normalizer(step: JsonStep | null | undefined): Normalize {
  if (!step) return (text) => text;
  if (!Object.hasOwn(NORMALIZERS, step.type)) throw unsupported(`the normalizer '${step.type}'`);
  return NORMALIZERS[step.type](step);
}

/** Parts in turn between matches and matches, put together as `behavior` says. */
function splitStep({ pattern, behavior, invert }: JsonStep): Split {
  const found = expression(pattern);
  const isolated = isolating(found);
  if (behavior === 'Isolated') return isolated;
  const isDelimiter = (part: string) => {
    found.lastIndex = 0;
    return (found.exec(part)?.[0] === part) !== Boolean(invert);
  };
  if (behavior === 'Removed') return (text) => [...isolated(text)].filter((part) => !isDelimiter(part));
  if (behavior !== 'MergedWithPrevious' && behavior !== 'MergedWithNext')
    throw unsupported(`a split with behavior '${behavior}'`);
  const backwards = behavior === 'MergedWithPrevious';
  return (text) => {
    const parts: string[] = [];
    let open = false;
    for (const part of isolated(text)) {
      const delimiter = isDelimiter(part);
      const joins = open && (backwards ? delimiter : !delimiter);
      if (joins) parts[parts.length - 1] += part;
      else parts.push(part);
      open = backwards ? !delimiter : delimiter;
    }
    return parts;
  };
}

function metaspace(step: JsonStep): Split {
  const symbol = (step.replacement as string | undefined) ?? SPACE_SYMBOL;
  const scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? 'never' : 'always');
  const before = new RegExp(`(?=${escaped(symbol)})`, 'u');
  return (text, place) => {
    let spaced = text.replaceAll(' ', symbol);
    const prepends = scheme === 'always' || (scheme === 'first' && place === 'first');
    if (prepends && !spaced.startsWith(symbol)) spaced = symbol + spaced;
    return step.split === false ? [spaced] : spaced.split(before);
  };
}

const PRE_TOKENIZERS: Readonly<Record<string, (step: JsonStep) => Split>> = {
  Sequence: ({ pretokenizers }) => {
    const steps = (pretokenizers as JsonStep[]).map(preTokenizer);
    return (text, place) =>
      steps.reduce<Iterable<string>>(
        (parts, step) => splitEach(parts, (part, index) => step(part, index === 0 ? place : 'later')),
        [text],
      );
  },
  ByteLevel: ({ add_prefix_space, use_regex }) => {
    const split: Splitter = use_regex === false ? (text) => [text] : gpt2Splitter();
    return (text) => split(add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text);
  },
  Split: splitStep,
  Metaspace: metaspace,
  Digits: ({ individual_digits }) => isolating(individual_digits ? /\p{N}/gu : /\p{N}+/gu),
  Punctuation: (step) => {
    const behavior = (step.behavior as string | undefined) ?? 'Isolated';
    return splitStep({ type: 'Split', pattern: { Regex: String.raw`[\p{P}$+<=>^\x60|~]` }, behavior });
  },
  BertPreTokenizer: () => bertWords,
  Whitespace: () => (text) =>
    text.match(/[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{White_Space}]+/gu) ?? [],
  WhitespaceSplit: () => (text) => text.match(/\P{White_Space}+/gu) ?? [],
};

export function preTokenizer(step: JsonStep): Split {
  if (!Object.hasOwn(PRE_TOKENIZERS, step.type)) throw unsupported(`the pre-tokenizer '${step.type}'`);
  return PRE_TOKENIZERS[step.type](step);
}

/** A step of that type, itself or within sequences. */
export function findStep(step: JsonStep | null | undefined, type: string): JsonStep | undefined {
  if (!step || step.type === type) return step ?? undefined;
  const children = [step.normalizers, step.pretokenizers, step.decoders, step.processors];
  return (children.find(Array.isArray) as JsonStep[] | undefined)
    ?.map((child) => findStep(child, type))
    .find((found) => found !== undefined);
}
