// A tokenizer from tokenizer.json of a Hugging Face folder.
import { ComputeError } from '../../runtime/errors.js';
import { describe } from '../../runtime/validate.js';
import { MergeList } from './bpe.js';
import { byteLevelBytes, byteLevelEncoder } from './byte-level.js';
import { findStep, type JsonStep, normalizer, preTokenizer, type Split } from './json-steps.js';
import { type AddedToken, END_OF_TURN, type TokenizerParts, type TokenKind } from './parts.js';
import { splitEach } from './pre-tokenizers.js';
import {
  byteOfToken,
  byteTokenIds,
  SPACE_SYMBOL,
  sentencePieceBytes,
  sentencePieceEncoder,
  wordSplitter,
} from './sentence-piece.js';
import type { WordEncoder } from './word-cache.js';
import { wordPieceEncoder } from './word-piece.js';

interface JsonAddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean | undefined;
  readonly lstrip?: boolean | undefined;
  readonly rstrip?: boolean | undefined;
}

interface JsonModel {
  readonly type?: string | undefined;
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges?: readonly (string | readonly [string, string])[] | undefined;
  readonly unk_token?: string | null | undefined;
  readonly fuse_unk?: boolean | undefined;
  readonly byte_fallback?: boolean | undefined;
  readonly ignore_merges?: boolean | undefined;
  readonly continuing_subword_prefix?: string | null | undefined;
  readonly max_input_chars_per_word?: number | undefined;
}

/** What is read of a parsed tokenizer.json. */
export interface TokenizerJson {
  readonly model: JsonModel;
  readonly added_tokens?: readonly JsonAddedToken[] | undefined;
  readonly normalizer?: JsonStep | null | undefined;
  readonly pre_tokenizer?: JsonStep | null | undefined;
  readonly post_processor?: JsonStep | null | undefined;
  readonly decoder?: JsonStep | null | undefined;
}

type JsonToken = string | { readonly content: string } | null;

/** What is read of a parsed tokenizer_config.json. */
export interface TokenizerConfigJson {
  readonly bos_token?: JsonToken | undefined;
  readonly eos_token?: JsonToken | undefined;
  readonly cls_token?: JsonToken | undefined;
  readonly sep_token?: JsonToken | undefined;
  readonly add_bos_token?: boolean | null | undefined;
  readonly add_eos_token?: boolean | null | undefined;
}

function invalid(what: string): ComputeError {
  return new ComputeError('INVALID_FILE', `tokenizer.json: ${what}`);
}

interface Vocabulary {
  readonly tokens: string[];
  readonly kinds: TokenKind[];
  /** Tokens that text may become. */
  readonly idOf: Map<string, number>;
  /** All of them. */
  readonly anyIdOf: Map<string, number>;
}

function readVocabulary({ model, added_tokens = [] }: TokenizerJson): Vocabulary {
  const anyIdOf = new Map(Object.entries(model.vocab));
  for (const { content, id } of added_tokens) anyIdOf.set(content, id);
  const size = [...anyIdOf.values()].reduce((most, id) => Math.max(most, id + 1), 0);
  if (!(size <= 2 ** 24)) throw invalid(`a token has the id ${size - 1}`);
  const tokens: string[] = new Array(size).fill('');
  const kinds: TokenKind[] = new Array(size).fill('normal');
  for (const [token, id] of anyIdOf) {
    tokens[id] = token;
    if (model.byte_fallback && byteOfToken(token) !== undefined) kinds[id] = 'byte';
  }
  for (const { id, special } of added_tokens) kinds[id] = special ? 'control' : 'user';
  const idOf = new Map([...anyIdOf].filter(([, id]) => kinds[id] === 'normal' || kinds[id] === 'user'));
  return { tokens, kinds, idOf, anyIdOf };
}

/** How words are encoded and tokens spelled. */
interface Model {
  readonly encodeWord: WordEncoder;
  readonly bytes: (token: string) => Uint8Array;
  readonly unknown?: number;
}

function bpe(json: TokenizerJson, { tokens, idOf, anyIdOf }: Vocabulary): Model {
  const { model } = json;
  const merges = (model.merges ?? []).map((merge): readonly [string, string] => {
    if (typeof merge !== 'string') return merge;
    const space = merge.indexOf(' ', 1);
    return [merge.slice(0, space), merge.slice(space + 1)];
  });
  const pairs = new MergeList(merges, idOf);
  const unknown = anyIdOf.get(model.unk_token ?? '');
  if (findStep(json.pre_tokenizer, 'ByteLevel') || findStep(json.decoder, 'ByteLevel')) {
    const options = { idOf, pairs, wholeWords: Boolean(model.ignore_merges), unknown };
    return { encodeWord: byteLevelEncoder(options), bytes: byteLevelBytes, unknown };
  }
  const byteIds = model.byte_fallback ? byteTokenIds(tokens) : undefined;
  const options = { idOf, pairs, byteIds, unknown, fuseUnknown: model.fuse_unk };
  return { encodeWord: sentencePieceEncoder(options), bytes: sentencePieceBytes, unknown };
}

function wordPiece({ model }: TokenizerJson, { idOf, anyIdOf }: Vocabulary): Model {
  const prefix = model.continuing_subword_prefix ?? '##';
  const spelled = (token: string) =>
    token.startsWith(prefix) && token.length > prefix.length ? token.slice(prefix.length) : SPACE_SYMBOL + token;
  const unknown = anyIdOf.get(model.unk_token ?? '[UNK]');
  if (unknown === undefined) throw invalid('the unknown token is not in the vocabulary');
  const pieces = new Map([...idOf].map(([token, id]) => [spelled(token), id]));
  const encodeWord = wordPieceEncoder({ idOf: pieces, unknown, maxCharacters: model.max_input_chars_per_word });
  return { encodeWord, bytes: (token) => sentencePieceBytes(spelled(token)), unknown };
}

function readModel(json: TokenizerJson, vocabulary: Vocabulary): Model {
  const type = json.model.type ?? (json.model.merges ? 'BPE' : 'WordPiece');
  if (type === 'BPE') return bpe(json, vocabulary);
  if (type === 'WordPiece') return wordPiece(json, vocabulary);
  throw new ComputeError('UNSUPPORTED', `tokenizer.json: the model '${type}' is not known`, {
    suggestion: 'known are BPE and WordPiece',
  });
}

/** Ids that the post-processor puts around a text. */
function readTemplate(step: JsonStep | null | undefined, idOf: ReadonlyMap<string, number>) {
  const pairOf = (value: unknown) => [(value as [string, number])[1]];
  const bert = findStep(step, 'BertProcessing') ?? findStep(step, 'RobertaProcessing');
  if (bert) return { before: pairOf(bert.cls), after: pairOf(bert.sep) };
  const template = findStep(step, 'TemplateProcessing');
  if (!template) return undefined;
  const around = { before: [] as number[], after: [] as number[] };
  const special = template.special_tokens as Readonly<Record<string, { ids: number[] }>>;
  let list = around.before;
  for (const part of template.single as { SpecialToken?: { id: string } }[]) {
    const name = part.SpecialToken?.id;
    if (name === undefined) list = around.after;
    else list.push(...(special?.[name]?.ids ?? [idOf.get(name)].filter((id) => id !== undefined)));
  }
  return around;
}

/** Whether decoding takes a space away at the beginning. */
function decodesLeadingSpace(decoder: JsonStep | null | undefined): boolean {
  const strip = findStep(decoder, 'Strip');
  const space = findStep(decoder, 'Metaspace');
  if (space) return space.prepend_scheme ? space.prepend_scheme !== 'never' : space.add_prefix_space !== false;
  return (strip?.content === ' ' && strip.start === 1) || findStep(decoder, 'WordPiece') !== undefined;
}

function readAdded({ added_tokens = [] }: TokenizerJson, control: boolean): AddedToken[] {
  return added_tokens
    .filter(({ special }) => Boolean(special) === control)
    .map(({ id, content, lstrip, rstrip }) => ({ id, content, stripsLeft: lstrip, stripsRight: rstrip }));
}

function readSplit(json: TokenizerJson, tokens: Iterable<string>): Split {
  // Spaces have become ▁ by then, so a split at spaces finds nothing (Gemma).
  const byWord = wordSplitter(tokens);
  if (!json.pre_tokenizer) return byWord;
  const split = preTokenizer(json.pre_tokenizer);
  if (findStep(json.pre_tokenizer, 'ByteLevel')) return split;
  return (text, place) => splitEach(split(text, place), byWord);
}

const contentOf = (token: JsonToken | undefined) => (typeof token === 'string' ? token : token?.content);

/** @throws ComputeError `INVALID_FILE` or `UNSUPPORTED`. */
export function partsFromJson(json: TokenizerJson, config: TokenizerConfigJson = {}): TokenizerParts {
  const vocab = json?.model?.vocab;
  if (Array.isArray(vocab)) throw new ComputeError('UNSUPPORTED', 'tokenizer.json: the model Unigram is not known');
  if (typeof vocab !== 'object' || vocab === null)
    throw invalid(`model.vocab must be an object, got ${describe(vocab)}`);
  const vocabulary = readVocabulary(json);
  const { tokens, kinds, idOf, anyIdOf } = vocabulary;
  const { encodeWord, bytes, unknown } = readModel(json, vocabulary);
  const normalize = normalizer(json.normalizer);
  const split = readSplit(json, idOf.keys());
  const idOfConfig = (token: JsonToken | undefined) => anyIdOf.get(contentOf(token) ?? '');
  const bos = idOfConfig(config.bos_token) ?? idOfConfig(config.cls_token);
  const eos = idOfConfig(config.eos_token) ?? idOfConfig(config.sep_token);
  const eot = END_OF_TURN.map((name) => anyIdOf.get(name)).find((id) => id !== undefined && kinds[id] === 'control');
  const template = readTemplate(json.post_processor, anyIdOf);
  return {
    tokens,
    kinds,
    controlTokens: readAdded(json, true),
    userTokens: readAdded(json, false),
    split: (text, place) => split(normalize(text), place),
    encodeWord,
    bytes,
    leadingSpace: decodesLeadingSpace(json.decoder),
    before: template?.before ?? (config.add_bos_token && bos !== undefined ? [bos] : []),
    after: template?.after ?? (config.add_eos_token && eos !== undefined ? [eos] : []),
    bos,
    eos,
    eot,
    unknown,
  };
}
