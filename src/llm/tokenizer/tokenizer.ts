// Text to token ids and back.
import { checkBoolean, checkInteger, checkOptions, describe } from '../../runtime/validate.js';
import { AddedTokens } from './added-tokens.js';
import { partsFromGguf, type TokenizerMetadata } from './from-gguf.js';
import { partsFromJson, type TokenizerConfigJson, type TokenizerJson } from './from-json.js';
import { END_OF_TURN, type TokenizerParts } from './parts.js';

export interface EncodeOptions {
  /** Adds what the model wants around a text, such as its beginning-of-text token; true unless told. */
  addSpecial?: boolean;
  /**
   * Control tokens that are spelled in the text, such as `<|im_end|>`, become those tokens; false unless told, so that
   * text from outside stays text.
   */
  special?: boolean;
}

export interface DecodeOptions {
  /** Control tokens are spelled out; they are left out unless told. */
  special?: boolean;
  /** The ids go on after other text: a space at their beginning is kept. */
  continued?: boolean;
}

const SPACE = 0x20;
const NO_BYTES = new Uint8Array(0);

/**
 * A vocabulary with its rules: byte-level BPE, SentencePiece or WordPiece.
 *
 * @example
 * const { metadata } = await readGguf('model.gguf');
 * const tokenizer = Tokenizer.fromGguf(metadata);
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

  private constructor(parts: TokenizerParts) {
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
    return new Tokenizer(partsFromGguf(metadata));
  }

  /**
   * The tokenizer of a Hugging Face folder: its parsed `tokenizer.json`, and `tokenizer_config.json` where there is one.
   *
   * @throws ComputeError `INVALID_FILE` where something is missing, `UNSUPPORTED` for a part that is not known.
   */
  static fromJson(json: TokenizerJson, config: TokenizerConfigJson = {}): Tokenizer {
    return new Tokenizer(partsFromJson(json, config));
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    const where = 'tokenizer.encode';
    if (typeof text !== 'string') throw new TypeError(`${where}: text must be a string, got ${describe(text)}`);
    checkOptions(where, options, ['addSpecial', 'special']);
    const addSpecial = checkBoolean(where, 'addSpecial', options.addSpecial ?? true);
    const special = checkBoolean(where, 'special', options.special ?? false);
    const ids: number[] = addSpecial ? [...this.#parts.before] : [];
    let first = true;
    for (const part of (special ? this.#allTokens : this.#userTokens).split(text)) {
      if (typeof part === 'number') ids.push(part);
      else this.#parts.encode(part, first ? 'first' : 'later', ids);
      first = false;
    }
    if (addSpecial) for (const id of this.#parts.after) ids.push(id);
    return Uint32Array.from(ids);
  }

  /** Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const where = 'tokenizer.decode';
    checkOptions(where, options, ['special', 'continued']);
    const special = checkBoolean(where, 'special', options.special ?? false);
    const continued = checkBoolean(where, 'continued', options.continued ?? false);
    const parts: Uint8Array[] = [];
    for (const id of ids) parts.push(this.tokenBytes(id, { special }));
    const bytes = Buffer.concat(parts);
    const start = this.leadingSpace && !continued && bytes[0] === SPACE ? 1 : 0;
    return bytes.toString('utf8', start);
  }

  /** The bytes of a token; without `special` a control token has none. A space that begins a word is part of it. */
  tokenBytes(id: number, options: { special?: boolean } = {}): Uint8Array {
    checkInteger('tokenizer', 'id', id, { min: 0, max: this.vocabularySize - 1 });
    if (!options.special && this.isControl(id)) return NO_BYTES;
    this.#bytes[id] ??= this.#bytesOf(id);
    return this.#bytes[id];
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

  isControl(id: number): boolean {
    return this.#parts.kinds[id] === 'control';
  }

  #bytesOf(id: number): Uint8Array {
    const { tokens, kinds } = this.#parts;
    const literal = kinds[id] === 'control' || kinds[id] === 'user' || kinds[id] === 'unknown';
    return literal ? Buffer.from(tokens[id], 'utf8') : this.#parts.bytes(tokens[id]);
  }
}
