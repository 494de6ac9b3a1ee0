// SentencePiece vocabularies (Llama 2, Gemma, Phi-3): characters, a space written as ▁, bytes where no token fits.
import { joinPairs, type Pairs, UNKNOWN_SYMBOL } from './bpe.js';
import { remembering, type WordEncoder } from './word-cache.js';

export const SPACE_SYMBOL = '▁';
const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

/** The byte of a token such as `<0x0A>`, or undefined. */
export function byteOfToken(token: string): number | undefined {
  const digits = token.length === 6 ? BYTE_TOKEN.exec(token)?.[1] : undefined;
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** The bytes that a token stands for. */
export function sentencePieceBytes(token: string): Uint8Array {
  const byte = byteOfToken(token);
  return byte === undefined ? Buffer.from(token.replaceAll(SPACE_SYMBOL, ' '), 'utf8') : Uint8Array.of(byte);
}

const BREAK = /[▁\n]/g;

/** Places beside a space symbol or a line's end, where a text may be cut. */
function* breaks(text: string): Iterable<number> {
  for (const { 0: symbol, index } of text.matchAll(BREAK)) {
    yield index;
    if (symbol === '\n') yield index + 1;
  }
}

/**
 * Cuts a text before spaces and around line ends, wherever no token reaches over that place: the parts can then be
 * encoded one by one, with the same result as the whole.
 */
export function wordSplitter(tokens: Iterable<string>): (text: string) => Iterable<string> {
  const neighbours = new Set<string>();
  for (const token of tokens) for (const at of breaks(token)) neighbours.add(token.slice(Math.max(0, at - 1), at + 1));
  return function* (text) {
    let start = 0;
    for (const at of breaks(text)) {
      if (at <= start || neighbours.has(text.slice(at - 1, at + 1))) continue;
      yield text.slice(start, at);
      start = at;
    }
    if (start < text.length) yield text.slice(start);
  };
}

interface SentencePieceOptions {
  /** Tokens that text may become; without control tokens. */
  idOf: ReadonlyMap<string, number>;
  pairs: Pairs;
  /** Id of each byte's token, where the vocabulary has them. */
  byteIds?: readonly (number | undefined)[];
  unknown?: number;
  /** One unknown token for several unknown characters in a row. */
  fuseUnknown?: boolean;
}

export function sentencePieceEncoder(options: SentencePieceOptions): WordEncoder {
  const { idOf, pairs, byteIds, unknown, fuseUnknown } = options;
  const pushUnknown = (character: string, ids: number[], fused: boolean) => {
    const bytes = [...Buffer.from(character, 'utf8')].map((byte) => byteIds?.[byte]);
    if (bytes.every((id) => id !== undefined)) ids.push(...bytes);
    else if (unknown !== undefined && !fused) ids.push(unknown);
  };
  return remembering((word, ids) => {
    const symbols: number[] = [];
    for (const character of word)
      symbols.push(idOf.get(character) ?? UNKNOWN_SYMBOL + (character.codePointAt(0) as number));
    const kept = joinPairs(symbols, symbols.length, pairs);
    for (let i = 0; i < kept; i++) {
      const symbol = symbols[i];
      if (symbol < UNKNOWN_SYMBOL) ids.push(symbol);
      else {
        const follows = i > 0 && symbols[i - 1] >= UNKNOWN_SYMBOL;
        pushUnknown(String.fromCodePoint(symbol - UNKNOWN_SYMBOL), ids, Boolean(fuseUnknown) && follows);
      }
    }
  });
}

/** Id of the token of each byte. */
export function byteTokenIds(tokens: readonly string[]): (number | undefined)[] {
  const ids: (number | undefined)[] = new Array(256).fill(undefined);
  tokens.forEach((token, id) => {
    const byte = byteOfToken(token);
    if (byte !== undefined) ids[byte] ??= id;
  });
  return ids;
}
