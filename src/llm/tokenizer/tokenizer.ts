// Text to token ids and back.
import { setImmediate } from 'node:timers/promises';
import type { AbortOptions } from '../../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../../runtime/construction.js';
import {
  checkBoolean,
  checkInteger,
  checkObject,
  checkOptions,
  checkRunOptions,
  describe,
} from '../../runtime/validate.js';
import { AddedTokens } from './added-tokens.js';
import { partsFromGguf, type TokenizerMetadata } from './from-gguf.js';
import { partsFromJson, type TokenizerConfigJson, type TokenizerJson } from './from-json.js';
import { END_OF_TURN, type Place, type TokenizerParts } from './parts.js';

export interface TokenizeOptions {
  /** Adds what the model wants around a text, such as its beginning-of-text token; true unless told. */
  addSpecial?: boolean | undefined;
  /**
   * Control tokens that are spelled in the text, such as `<|im_end|>`, become those tokens; false unless told, so that
   * text from outside stays text.
   */
  special?: boolean | undefined;
}

export interface DetokenizeOptions {
  /** Control tokens are spelled out; they are left out unless told. */
  special?: boolean | undefined;
  /** The ids go on after other text: a space at their beginning is kept. */
  continued?: boolean | undefined;
}

const SPACE = 0x20;
const NO_BYTES = new Uint8Array(0);
/** Between two turns of the event loop: a few milliseconds of work. */
const TURN_CHARACTERS = 2 ** 14;
const ENCODE_KEYS = ['addSpecial', 'special'];
const METADATA = ['number', 'boolean', 'string', 'strings', 'numbers'];

function checkEncoding(where: string, text: unknown, options: TokenizeOptions): void {
  if (typeof text !== 'string') throw new TypeError(`${where}: text must be a string, got ${describe(text)}`);
  for (const key of ENCODE_KEYS) checkBoolean(where, key, options[key as keyof TokenizeOptions] ?? false);
}

/** What `metadata` of an open file is: it is asked for keys. */
function checkMetadata(where: string, metadata: unknown): void {
  const lacks = METADATA.find((getter) => typeof (metadata as Record<string, unknown> | null)?.[getter] !== 'function');
  if (lacks !== undefined)
    throw new TypeError(`${where}: metadata must be that of a GGUF file, with ${lacks}(), got ${describe(metadata)}`);
}

/**
 * A vocabulary with its rules: byte-level BPE, SentencePiece or WordPiece.
 *
 * @example
 * const file = await ModelFile.open('model.gguf');
 * if (file.tokenizer?.kind !== 'gguf') throw new Error('it has no tokenizer');
 * const tokenizer = Tokenizer.fromGguf(file.tokenizer.metadata);
 * const ids = tokenizer.encode('In the beginning');
 * console.log(tokenizer.decode(ids));
 */
export class Tokenizer {
  readonly vocabularySize: number;
  /** Ids of the tokens that begin a text, end it, and end a turn of a conversation, where there are any. */
  readonly bosId?: number;
  readonly eosId?: number;
  readonly eotId?: number;
  /** Tokens after which a model has nothing more to say. */
  readonly endIds: ReadonlySet<number>;
  /** Decoding takes away the space that encoding put in front of a text. */
  readonly leadingSpace: boolean;
  readonly #parts: TokenizerParts;
  readonly #userTokens: AddedTokens;
  readonly #allTokens: AddedTokens;
  readonly #bytes: Uint8Array[] = [];

  private constructor(token: Token, parts: TokenizerParts) {
    checkToken(token, 'Tokenizer', 'Tokenizer.fromGguf or Tokenizer.fromJson');
    this.#parts = parts;
    this.vocabularySize = parts.tokens.length;
    [this.bosId, this.eosId, this.eotId] = [parts.bos, parts.eos, parts.eot];
    this.leadingSpace = parts.leadingSpace;
    this.#userTokens = new AddedTokens(parts.userTokens);
    this.#allTokens = new AddedTokens([...parts.controlTokens, ...parts.userTokens]);
    const ends = parts.controlTokens.filter(({ content }) => (END_OF_TURN as readonly string[]).includes(content));
    this.endIds = new Set([parts.eos, parts.eot, ...ends.map(({ id }) => id)].filter((id) => id !== undefined));
  }

  /**
   * The tokenizer of a GGUF file.
   *
   * @throws ComputeError `INVALID_FILE` where something is missing, `UNSUPPORTED` for an unknown kind of vocabulary.
   */
  static fromGguf(metadata: TokenizerMetadata): Tokenizer {
    checkMetadata('Tokenizer.fromGguf', metadata);
    return new Tokenizer(TOKEN, partsFromGguf(metadata));
  }

  /**
   * The tokenizer of a Hugging Face folder: its parsed `tokenizer.json`, and `tokenizer_config.json` where there is one.
   *
   * @throws ComputeError `INVALID_FILE` where something is missing, `UNSUPPORTED` for a part that is not known.
   */
  static fromJson(json: TokenizerJson, config: TokenizerConfigJson = {}): Tokenizer {
    checkObject('Tokenizer.fromJson', 'json', json);
    checkObject('Tokenizer.fromJson', 'config', config);
    return new Tokenizer(TOKEN, partsFromJson(json, config));
  }

  /** Token ids of a text, at once: some hundred milliseconds for megabytes. */
  encode(text: string, options: TokenizeOptions = {}): Uint32Array {
    const where = 'tokenizer.encode';
    checkOptions(where, options, ENCODE_KEYS);
    checkEncoding(where, text, options);
    const ids: number[] = [];
    for (const _ of this.#slices(text, options, ids));
    return new Uint32Array(ids);
  }

  /**
   * The same ids, with turns of the event loop between words: for long texts. One without spaces and line ends is a
   * single word.
   *
   * @example
   * const ids = await tokenizer.encodeInTurns(await readFile('book.txt', 'utf8'), { signal: AbortSignal.timeout(5000) });
   */
  encodeInTurns(text: string, options: TokenizeOptions & AbortOptions = {}): Promise<Uint32Array> {
    const where = 'tokenizer.encodeInTurns';
    checkRunOptions(where, options, [...ENCODE_KEYS, 'signal']);
    checkEncoding(where, text, options);
    return this.#encodeInTurns(text, options);
  }

  /** The text of token ids. Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>, options: DetokenizeOptions = {}): string {
    const where = 'tokenizer.decode';
    if (typeof ids !== 'object' || ids === null || !(Symbol.iterator in ids))
      throw new TypeError(`${where}: ids must be token ids, got ${describe(ids)}`);
    checkOptions(where, options, ['special', 'continued']);
    const special = checkBoolean(where, 'special', options.special ?? false);
    const continued = checkBoolean(where, 'continued', options.continued ?? false);
    const parts: Uint8Array[] = [];
    for (const id of ids) parts.push(this.#bytesFor(where, id, special));
    const bytes = Buffer.concat(parts);
    const start = this.leadingSpace && !continued && bytes[0] === SPACE ? 1 : 0;
    return bytes.toString('utf8', start);
  }

  /** The bytes of a token; without `special` a control token has none. A space that begins a word is part of it. */
  tokenBytes(id: number, options: Pick<DetokenizeOptions, 'special'> = {}): Uint8Array {
    const where = 'tokenizer.tokenBytes';
    checkOptions(where, options, ['special']);
    return this.#bytesFor(where, id, checkBoolean(where, 'special', options.special ?? false));
  }

  /** The token as its file spells it. */
  tokenText(id: number): string {
    return this.#parts.tokens[checkInteger('tokenizer.tokenText', 'id', id, { min: 0, max: this.vocabularySize - 1 })];
  }

  /** The id of the token that its file spells so. */
  tokenId(text: string): number | undefined {
    const id = this.#parts.tokens.indexOf(text);
    return id < 0 ? undefined : id;
  }

  /** Whether a token is markup, such as the end of a turn, and no text. */
  isControl(id: number): boolean {
    return this.#parts.kinds[id] === 'control';
  }

  /** Appends the ids of a text in slices; each of them ends with a pause, the last one too. */
  *#slices(text: string, { addSpecial = true, special = false }: TokenizeOptions, ids: number[]): Generator<void> {
    const { before, after } = this.#parts;
    if (addSpecial) ids.push(...before);
    let place: Place = 'first';
    let characters = 0;
    for (const part of (special ? this.#allTokens : this.#userTokens).split(text)) {
      if (typeof part === 'number') ids.push(part);
      else
        for (const word of this.#parts.split(part, place)) {
          this.#parts.encodeWord(word, ids);
          characters += word.length;
          if (characters < TURN_CHARACTERS) continue;
          characters = 0;
          yield;
        }
      place = 'later';
    }
    if (addSpecial) ids.push(...after);
    yield;
  }

  async #encodeInTurns(text: string, options: TokenizeOptions & AbortOptions): Promise<Uint32Array> {
    const ids: number[] = [];
    options.signal?.throwIfAborted();
    for (const _ of this.#slices(text, options, ids)) {
      await setImmediate();
      options.signal?.throwIfAborted();
    }
    return new Uint32Array(ids);
  }

  #bytesFor(where: string, id: number, special: boolean): Uint8Array {
    checkInteger(where, 'id', id, { min: 0, max: this.vocabularySize - 1 });
    if (!special && this.isControl(id)) return NO_BYTES;
    this.#bytes[id] ??= this.#bytesOf(id);
    return this.#bytes[id];
  }

  #bytesOf(id: number): Uint8Array {
    const { tokens, kinds } = this.#parts;
    const literal = kinds[id] === 'control' || kinds[id] === 'user' || kinds[id] === 'unknown';
    return literal ? Buffer.from(tokens[id], 'utf8') : this.#parts.bytes(tokens[id]);
  }
}
