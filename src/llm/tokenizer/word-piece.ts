// WordPiece (BERT): words and punctuation apart, each word cut into the longest tokens from its left end.
import { SPACE_SYMBOL } from './sentence-piece.js';
import { remembering, type WordEncoder } from './word-cache.js';

interface BertNormalizerOptions {
  cleanText?: boolean;
  chineseCharacters?: boolean;
  stripAccents?: boolean;
  lowercase?: boolean;
}

const REMOVED = /[\0\uFFFD]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}]/gu;
const CHINESE =
  /[\u{4E00}-\u{9FFF}\u{3400}-\u{4DBF}\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{F900}-\u{FAFF}\u{2F800}-\u{2FA1F}]/gu;

/** What BERT does to a text before it looks for words. */
export function bertNormalizer(options: BertNormalizerOptions = {}): (text: string) => string {
  const { cleanText = true, chineseCharacters = true, lowercase = true } = options;
  const stripAccents = options.stripAccents ?? lowercase;
  return (text) => {
    if (cleanText) text = text.replace(REMOVED, '').replace(/\p{White_Space}/gu, ' ');
    if (chineseCharacters) text = text.replace(CHINESE, ' $& ');
    if (stripAccents) text = text.normalize('NFD').replace(/\p{Mn}/gu, '');
    return lowercase ? text.toLowerCase() : text;
  };
}

const BERT_WORD =
  /[\p{P}\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]|[^\p{White_Space}\p{P}\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]+/gu;

/** Words; a punctuation mark is a word of its own. */
export const bertWords = (text: string): string[] => text.match(BERT_WORD) ?? [];

interface WordPieceOptions {
  /** Tokens as in GGUF: one that begins a word has ▁ in front, one that continues a word has nothing. */
  idOf: ReadonlyMap<string, number>;
  unknown: number;
  /** A longer word is unknown. */
  maxCharacters?: number;
}

export function wordPieceEncoder({ idOf, unknown, maxCharacters = 100 }: WordPieceOptions): WordEncoder {
  let longest = 0;
  for (const token of idOf.keys()) longest = Math.max(longest, token.length);
  return remembering((word, ids) => {
    const start = ids.length;
    const characters = [...word];
    for (let at = 0; at < characters.length; ) {
      let end = Math.min(characters.length, at + longest);
      let id: number | undefined;
      for (; end > at; end--) {
        const piece = characters.slice(at, end).join('');
        id = idOf.get(at === 0 ? SPACE_SYMBOL + piece : piece);
        if (id !== undefined) break;
      }
      if (id === undefined || characters.length > maxCharacters) {
        ids.length = start;
        ids.push(unknown);
        return;
      }
      ids.push(id);
      at = end;
    }
  });
}
