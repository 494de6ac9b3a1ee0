// A tokenizer from the metadata of a GGUF file.
import { ComputeError } from '../../runtime/errors.js';
import { MergeList, ScoredPairs } from './bpe.js';
import { byteLevelBytes, byteLevelEncoder } from './byte-level.js';
import {
  type AddedToken,
  END_OF_TURN,
  looksLikeMarkup,
  TOKEN_KINDS,
  type TokenizerParts,
  type TokenKind,
} from './parts.js';
import { namedSplitter } from './pre-tokenizers.js';
import {
  byteTokenIds,
  SPACE_SYMBOL,
  sentencePieceBytes,
  sentencePieceEncoder,
  wordSplitter,
} from './sentence-piece.js';
import { bertNormalizer, bertWords, wordPieceEncoder } from './word-piece.js';

/** Metadata as `readGguf` gives it: a getter gives undefined where there is no such key. */
export interface TokenizerMetadata {
  readonly path?: string | undefined;
  number(key: string): number | undefined;
  boolean(key: string): boolean | undefined;
  string(key: string): string | undefined;
  strings(key: string): Iterable<string> | undefined;
  numbers(key: string): ArrayLike<number | bigint> | undefined;
}

const key = (name: string) => `tokenizer.ggml.${name}`;

/** What every kind of vocabulary in a GGUF file has. */
class Vocabulary {
  readonly metadata: TokenizerMetadata;
  readonly tokens: readonly string[];
  readonly kinds: readonly TokenKind[];
  /** Tokens that text may become. */
  readonly idOf = new Map<string, number>();

  constructor(metadata: TokenizerMetadata) {
    this.metadata = metadata;
    this.tokens = [...this.need(metadata.strings(key('tokens')), key('tokens'))];
    const types = metadata.numbers(key('token_type'));
    this.kinds = this.tokens.map((token, id) => {
      const kind = TOKEN_KINDS[Number(types?.[id] ?? 1) - 1] ?? 'normal';
      return kind === 'user' && looksLikeMarkup(token) ? 'control' : kind;
    });
    this.tokens.forEach((token, id) => {
      if (['normal', 'user', 'unused'].includes(this.kinds[id]) && !this.idOf.has(token)) this.idOf.set(token, id);
    });
  }

  need<T>(value: T | undefined, name: string): T {
    if (value !== undefined) return value;
    throw new ComputeError('INVALID_FILE', `${this.metadata.path ?? 'the metadata'} has no '${name}'`);
  }

  /** A special token's id. Files write 2³² − 1 for none. */
  id(name: string): number | undefined {
    const id = this.metadata.number(key(`${name}_token_id`));
    return id !== undefined && id >= 0 && id < this.tokens.length ? id : undefined;
  }

  flag(name: string, otherwise: boolean): boolean {
    return this.metadata.boolean(key(name)) ?? otherwise;
  }

  added(kind: TokenKind): AddedToken[] {
    const stripsRight = /phi-?3/i.test(this.metadata.string('general.name') ?? '') && kind === 'control';
    return this.tokens.flatMap((content, id) => {
      if (this.kinds[id] !== kind) return [];
      return [{ id, content, stripsRight: stripsRight && !['<unk>', '<s>', '<|endoftext|>'].includes(content) }];
    });
  }

  /** The parts that do not depend on the kind of vocabulary. */
  common(defaults: { bos?: number; eos?: number; addBos: boolean }) {
    const bos = this.id('bos') ?? defaults.bos;
    const eos = this.id('eos') ?? defaults.eos;
    const turn = END_OF_TURN.map((name) => this.tokens.indexOf(name)).find(
      (id) => id >= 0 && this.kinds[id] === 'control',
    );
    const ids = (wanted: boolean, id: number | undefined) => (wanted && id !== undefined ? [id] : []);
    return {
      tokens: this.tokens,
      kinds: this.kinds,
      controlTokens: this.added('control'),
      userTokens: this.added('user'),
      before: ids(this.flag('add_bos_token', defaults.addBos), bos),
      after: ids(this.flag('add_eos_token', false), eos),
      bos,
      eos,
      eot: this.id('eot') ?? turn,
      unknown: this.id('unknown'),
    };
  }
}

function* splitMerges(merges: Iterable<string>): Iterable<readonly [string, string]> {
  for (const merge of merges) {
    const space = merge.indexOf(' ', 1);
    yield [merge.slice(0, space), merge.slice(space + 1)];
  }
}

function byteLevel(vocabulary: Vocabulary): TokenizerParts {
  const { metadata, idOf } = vocabulary;
  const { name, split } = namedSplitter(metadata.string(key('pre')) ?? 'default');
  const llama3 = name === 'llama-bpe';
  const pairs = new MergeList(splitMerges(vocabulary.need(metadata.strings(key('merges')), key('merges'))), idOf);
  const encodeWord = byteLevelEncoder({ idOf, pairs, wholeWords: llama3 || name === 'tekken' });
  const prefix = vocabulary.flag('add_space_prefix', false);
  return {
    ...vocabulary.common({ addBos: llama3 || name === 'tekken' }),
    leadingSpace: false,
    bytes: byteLevelBytes,
    split: (text) => split(prefix && !text.startsWith(' ') ? ` ${text}` : text),
    encodeWord,
  };
}

function sentencePiece(vocabulary: Vocabulary): TokenizerParts {
  const { metadata, tokens, idOf } = vocabulary;
  const scores = vocabulary.need(metadata.numbers(key('scores')), key('scores'));
  const known = (id: number, token: string) => (id < tokens.length && tokens[id] === token ? id : undefined);
  const common = vocabulary.common({ bos: known(1, '<s>'), eos: known(2, '</s>'), addBos: true });
  const encodeWord = sentencePieceEncoder({
    idOf,
    pairs: new ScoredPairs(tokens, scores as ArrayLike<number>, idOf),
    byteIds: byteTokenIds(tokens),
    unknown: common.unknown ?? known(0, '<unk>'),
  });
  const split = wordSplitter(idOf.keys());
  const leadingSpace = vocabulary.flag('add_space_prefix', true);
  return {
    ...common,
    leadingSpace,
    bytes: sentencePieceBytes,
    split: (text) => split((leadingSpace ? ` ${text}` : text).replaceAll(' ', SPACE_SYMBOL)),
    encodeWord,
  };
}

function wordPiece(vocabulary: Vocabulary): TokenizerParts {
  const find = (name: string, content: string) => {
    const id = vocabulary.id(name) ?? vocabulary.tokens.indexOf(content);
    return id >= 0 ? id : undefined;
  };
  const common = vocabulary.common({ addBos: true });
  const unknown = vocabulary.need(find('unknown', '[UNK]'), key('unknown_token_id'));
  const bos = find('cls', '[CLS]') ?? common.bos;
  // The name in the files is misspelled.
  const eos = find('seperator', '[SEP]') ?? common.eos;
  const encodeWord = wordPieceEncoder({ idOf: vocabulary.idOf, unknown });
  const normalize = bertNormalizer();
  return {
    ...common,
    before: vocabulary.flag('add_bos_token', true) && bos !== undefined ? [bos] : [],
    after: vocabulary.flag('add_eos_token', true) && eos !== undefined ? [eos] : [],
    bos,
    eos,
    unknown,
    leadingSpace: true,
    bytes: sentencePieceBytes,
    split: (text) => bertWords(normalize(text)),
    encodeWord,
  };
}

/** @throws ComputeError `INVALID_FILE` or `UNSUPPORTED`. */
export function partsFromGguf(metadata: TokenizerMetadata): TokenizerParts {
  const vocabulary = new Vocabulary(metadata);
  const model = vocabulary.need(metadata.string(key('model')), key('model'));
  if (model === 'gpt2') return byteLevel(vocabulary);
  if (model === 'llama') return sentencePiece(vocabulary);
  if (model === 'bert') return wordPiece(vocabulary);
  throw new ComputeError('UNSUPPORTED', `the tokenizer model '${model}' is not known`, {
    suggestion: "known are 'gpt2', 'llama' and 'bert'",
  });
}
