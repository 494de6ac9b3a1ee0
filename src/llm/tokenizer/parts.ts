// What a tokenizer is made of, whichever file it comes from.

/** How a token behaves where text is encoded or decoded. */
export const TOKEN_KINDS = ['normal', 'unknown', 'control', 'user', 'unused', 'byte'] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** A token that is looked for in the text before anything else is done with it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Takes the white space before it, or behind it, with it. */
  readonly stripsLeft?: boolean;
  readonly stripsRight?: boolean;
}

/** Where a part of a text stands: at its beginning, or behind an added token. */
export type Place = 'first' | 'later';

export interface TokenizerParts {
  /** Text of each token, as in the file. */
  readonly tokens: readonly string[];
  readonly kinds: readonly TokenKind[];
  /** Control tokens: found in text on request only. */
  readonly controlTokens: readonly AddedToken[];
  /** Tokens that are found in any text. */
  readonly userTokens: readonly AddedToken[];
  /** Cuts a text without added tokens into words that can be encoded one by one. */
  split(text: string, place: Place): Iterable<string>;
  /** Appends the ids of a word. */
  encodeWord(word: string, ids: number[]): void;
  /** The bytes of a token that is neither control nor user token. */
  bytes(token: string): Uint8Array;
  /** Encoding puts a space in front of a text, decoding takes it away. */
  readonly leadingSpace: boolean;
  /** Ids that `addSpecial` puts in front of a text and behind it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly bos?: number;
  readonly eos?: number;
  readonly eot?: number;
  readonly unknown?: number;
}

/** Tokens by which a turn or a text ends, in the vocabularies that are in use. */
export const END_OF_TURN = [
  '<|eot_id|>',
  '<|im_end|>',
  '<end_of_turn>',
  '<|end|>',
  '<|eom_id|>',
  '<|return|>',
] as const;

const MARKUP = /^<\|[^\s]*\|>$|^<\/?s>$|^<(?:bos|eos|pad|unk|eot|start_of_turn|end_of_turn)>$/;

/** Whether a token is markup of a conversation by its looks; files do not always say so. */
export const looksLikeMarkup = (token: string) => MARKUP.test(token);
