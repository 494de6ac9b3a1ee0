// Text comes out of a stream of tokens whole: the same characters as of all tokens at once, cut exactly at a stop string.
import { describe, expect, test } from 'vitest';
import { StopMatcher, TextStream } from '../../src/llm/tokenizer/text-stream.js';
import { Tokenizer } from '../../src/llm/tokenizer/tokenizer.js';
import { skipped } from '../support/skipped.js';
import { DATA_MISSING, vectors, vocabulary } from './tokenizer-data.js';

const bytesVocabulary = Tokenizer.fromJson({
  model: {
    type: 'BPE',
    vocab: {
      '<s>': 0,
      ...Object.fromEntries(
        Array.from({ length: 256 }, (_, byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, byte + 1]),
      ),
      '▁': 257,
      '▁word': 258,
    },
    merges: [],
    byte_fallback: true,
  },
  added_tokens: [{ id: 0, content: '<s>', special: true }],
  normalizer: { type: 'Sequence', normalizers: [{ type: 'Replace', pattern: { String: ' ' }, content: '▁' }] },
  decoder: { type: 'Sequence', decoders: [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] },
});
const byteId = (byte: number) => byte + 1;

function streamed(tokenizer: Tokenizer, ids: Iterable<number>, options = {}): string[] {
  const stream = new TextStream(tokenizer, options);
  return [...Array.from(ids, (id) => stream.push(id)), stream.end()];
}

describe('TextStream', () => {
  test('a character waits for its last byte', () => {
    const ids = [...Buffer.from('a🦙b')].map(byteId);
    expect(streamed(bytesVocabulary, ids)).toEqual(['a', '', '', '', '🦙', 'b', '']);
  });

  test('an unfinished character becomes U+FFFD at the end', () => {
    expect(streamed(bytesVocabulary, [byteId(0x61), byteId(0xf0), byteId(0x9f)])).toEqual(['a', '', '', '�']);
    expect(streamed(bytesVocabulary, [byteId(0xf0), byteId(0x61)]).join('')).toBe('�a');
  });

  test('the leading space goes, unless the text continues another', () => {
    expect(streamed(bytesVocabulary, [0, 258, 258])).toEqual(['', 'word', ' word', '']);
    expect(streamed(bytesVocabulary, [0, 258, 258], { continued: true })).toEqual(['', ' word', ' word', '']);
    expect(streamed(bytesVocabulary, [257, 257, 258]).join('')).toBe('  word');
  });

  test('control tokens are text on request', () => {
    expect(streamed(bytesVocabulary, [0, 258], { special: true }).join('')).toBe('<s> word');
    expect(() => new TextStream(bytesVocabulary, { specials: true } as object)).toThrow(/unknown option 'specials'/);
  });

  test('any bytes come out the same as all at once', () => {
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const interesting = [
      0x20, 0x41, 0x80, 0xbf, 0xc3, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xef, 0xbb, 0xbf, 0xf0, 0x9f, 0xf5,
    ];
    for (let round = 0; round < 300; round++) {
      const ids = Array.from({ length: 1 + random(24) }, () => byteId(interesting[random(interesting.length)]));
      expect(streamed(bytesVocabulary, ids).join('')).toBe(bytesVocabulary.decode(ids));
    }
  });

  test.skipIf(DATA_MISSING).each(['gpt-2', 'llama-spm'])(
    `%s: test strings come back${skipped(DATA_MISSING)}`,
    async (name) => {
      const tokenizer = await vocabulary(name);
      for (const { text, ids } of vectors(name)) expect(streamed(tokenizer, ids).join('')).toBe(text);
    },
  );
});

describe('StopMatcher', () => {
  /** What is shown of a text that comes in pieces of `size`. */
  function shown(stops: string[], text: string, size: number): { text: string; stopped: boolean } {
    const matcher = new StopMatcher(stops);
    let all = '';
    for (let at = 0; at < text.length; at += size) all += matcher.push(text.slice(at, at + size)).text;
    return { text: all + matcher.end(), stopped: matcher.stopped };
  }

  test('holds back what may be the beginning of a stop string', () => {
    const matcher = new StopMatcher(['\n\nUser:']);
    expect(matcher.push('Hello\n')).toEqual({ text: 'Hello', stopped: false });
    expect(matcher.push('\nUs')).toEqual({ text: '', stopped: false });
    expect(matcher.push('ual')).toEqual({ text: '\n\nUsual', stopped: false });
    expect(matcher.push('.\n\nUser: no')).toEqual({ text: '.', stopped: true });
    expect(matcher.push('more')).toEqual({ text: '', stopped: true });
    expect(matcher.end()).toBe('');
  });

  test.each([
    [['END'], 'the ENEND of it', 'the EN', true],
    [['aab'], 'aaaab', 'aa', true],
    [['abcd', 'bc'], 'xabcd', 'xa', true],
    [['bc', 'abc'], 'xabcd', 'x', true],
    [['ab'], 'ba', 'ba', false],
    [['stop'], 'a sto', 'a sto', false],
    [[], 'anything', 'anything', false],
  ])('%j in %j, whatever the pieces', (stops, text, expected, stopped) => {
    for (let size = 1; size <= text.length; size++)
      expect(shown(stops, text, size)).toEqual({ text: expected, stopped });
  });

  test('stop strings that are none are refused', () => {
    expect(() => new StopMatcher([''])).toThrow(TypeError);
    expect(() => new (StopMatcher as unknown as new () => unknown)()).toThrow(
      'StopMatcher: stops must be an array, got undefined',
    );
    expect(() => new (TextStream as unknown as new () => unknown)()).toThrow(
      'TextStream: tokenizer must be a Tokenizer, got undefined',
    );
  });
});
