// Byte-level BPE (GPT-2, Llama 3, Qwen): text as bytes, each of them written as one printable character.
import { joinPairs, type Pairs } from './bpe.js';
import { remembering, type WordEncoder } from './word-cache.js';

const isPrintable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** The character that stands for each byte: itself where it is printable, else the next one from U+0100 on. */
const CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();
const BYTES: ReadonlyMap<string, number> = new Map(CHARACTERS.map((character, byte) => [character, byte]));

/** The bytes that a token stands for. A character that stands for none is taken as it is. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTES.get(character);
    if (byte === undefined) bytes.push(...Buffer.from(character, 'utf8'));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

interface ByteLevelOptions {
  idOf: ReadonlyMap<string, number>;
  pairs: Pairs;
  /** A word that is a token is that token, whatever the merges say (Llama 3). */
  wholeWords: boolean;
  /** For a byte that is no token; without it such a byte is left out. */
  unknown?: number;
}

export function byteLevelEncoder({ idOf, pairs, wholeWords, unknown }: ByteLevelOptions): WordEncoder {
  const byteIds = CHARACTERS.map((character) => idOf.get(character) ?? unknown ?? -1);
  const spelled = (bytes: Uint8Array) => {
    let text = '';
    for (const byte of bytes) text += CHARACTERS[byte];
    return text;
  };
  return remembering((word, ids) => {
    const bytes = Buffer.from(word, 'utf8');
    const whole = wholeWords && bytes.length < 256 ? idOf.get(spelled(bytes)) : undefined;
    if (whole !== undefined) {
      ids.push(whole);
      return;
    }
    const symbols = new Int32Array(bytes.length);
    let count = 0;
    for (const byte of bytes) if (byteIds[byte] >= 0) symbols[count++] = byteIds[byte];
    const kept = joinPairs(symbols, count, pairs);
    for (let i = 0; i < kept; i++) ids.push(symbols[i]);
  });
}
