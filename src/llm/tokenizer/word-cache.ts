// Words that were encoded before: natural text repeats itself, so most words cost one look-up.

const MAX_WORDS = 1 << 16;
const MAX_LENGTH = 48;

/** Appends the ids of a word to `ids`. */
export type WordEncoder = (word: string, ids: number[]) => void;

export function remembering(encode: WordEncoder): WordEncoder {
  const known = new Map<string, readonly number[]>();
  return (word, ids) => {
    const before = known.get(word);
    if (before !== undefined) {
      for (let i = 0; i < before.length; i++) ids.push(before[i]);
      return;
    }
    const start = ids.length;
    encode(word, ids);
    if (word.length > MAX_LENGTH) return;
    if (known.size >= MAX_WORDS) known.clear();
    known.set(word, ids.slice(start));
  };
}
