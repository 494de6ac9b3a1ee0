// Token ids are those of the vocabularies' own tokenizers; every text comes back; markup in a text stays text.
import { describe, expect, test } from 'vitest';
import { joinPairs, MergeList, ScoredPairs } from '../../src/llm/tokenizer/bpe.js';
import { namedSplitter } from '../../src/llm/tokenizer/pre-tokenizers.js';
import { wordSplitter } from '../../src/llm/tokenizer/sentence-piece.js';
import { Tokenizer } from '../../src/llm/tokenizer/tokenizer.js';
import { ComputeError } from '../../src/runtime/errors.js';
import { skipped } from '../support/skipped.js';
import { DATA_MISSING, ggufTokenizer, readText, vectors, vocabulary, warAndPeace } from './tokenizer-data.js';

describe.skipIf(DATA_MISSING)(`vocabularies in GGUF${skipped(DATA_MISSING)}`, () => {
  test.each(['gpt-2', 'llama-spm', 'phi-3', 'bert-bge'])(
    '%s: all test strings have the ids of their own tokenizer',
    async (name) => {
      const tokenizer = await vocabulary(name);
      const cases = vectors(name);
      expect(cases).toHaveLength(47);
      for (const { text, ids } of cases) {
        expect({ text, ids: [...tokenizer.encode(text, { addSpecial: false })] }).toEqual({ text, ids });
        if (name !== 'bert-bge') expect(tokenizer.decode(ids)).toBe(text);
      }
    },
  );

  test.each(['gpt-2', 'llama-spm'])('%s: a long text comes back', async (name) => {
    const tokenizer = await vocabulary(name);
    const text = warAndPeace();
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  test.each(['gpt-2', 'llama-spm', 'bert-bge'])('%s: long words take no more than their share', async (name) => {
    const tokenizer = await vocabulary(name);
    // Work that grew with the square of their lengths would not end within the test's time.
    for (const text of ['a'.repeat(200_000), ' '.repeat(200_000), `${' \n'.repeat(50_000)}x`, '世'.repeat(50_000)]) {
      const ids = tokenizer.encode(text);
      if (name !== 'bert-bge') expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  test('the demo models: metadata and tokenizer.json give the same ids', async () => {
    const text = `${warAndPeace().slice(0, 500_000)} naïve 世界 🦙 <|endoftext|> \n\n \t x`;
    const json = Tokenizer.fromJson(JSON.parse(readText('models/tokenizer.json')));
    const options = { addSpecial: false };
    const expected = json.encode(text, options);
    expect(json.decode(expected)).toBe(text);
    for (const name of ['demo-lm-7m-q4_0', 'demo-draft-1m-f16', 'demo-embed-7m-q8_0']) {
      const tokenizer = await ggufTokenizer(`models/${name}.gguf`);
      expect(tokenizer.encode(text, options)).toEqual(expected);
      expect([tokenizer.bosId, tokenizer.encode('a')[0], tokenizer.vocabularySize]).toEqual([0, 0, 4096]);
    }
  });

  test('the demo models: ids are those of the training run', async () => {
    const tokenizer = await ggufTokenizer('models/demo-lm-7m-f16.gguf');
    const { golden_greedy } = JSON.parse(readText('models/report.json')) as {
      golden_greedy: Record<string, { text: string; ids: number[] }>;
    };
    for (const [prompt, { text, ids }] of Object.entries(golden_greedy)) {
      const encoded = [...tokenizer.encode(prompt)];
      expect(ids.slice(0, encoded.length)).toEqual(encoded);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  test('stories260K: an id that stands for no token is none, and texts come back', async () => {
    const tokenizer = await ggufTokenizer('data/stories260K/stories260K.gguf');
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.eotId, [...tokenizer.endIds]]).toEqual([1, 2, undefined, [2]]);
    const text = readText('data/stories260K/greedy_run.c_256.txt');
    const ids = tokenizer.encode(text);
    expect(ids[0]).toBe(1);
    expect(tokenizer.decode(ids)).toBe(text);
    expect(tokenizer.decode(tokenizer.encode('Ünknown 🦙\0'))).toBe('Ünknown 🦙\0');
  });

  test('markup in a text is text unless asked for', async () => {
    const tokenizer = await vocabulary('phi-3');
    const text = '<|user|>\nhi</s><|end|>';
    const plain = tokenizer.encode(text);
    expect([...plain].filter((id) => tokenizer.isControl(id))).toEqual([1]);
    expect(tokenizer.decode(plain)).toBe(text);
    const parsed = [...tokenizer.encode(text, { special: true })];
    expect(parsed.filter((id) => tokenizer.isControl(id))).toEqual([1, 32010, 2, 32007]);
    expect(tokenizer.decode(parsed, { special: true })).toMatch(/^<s><\|user\|>\s?hi<\/s><\|end\|>$/);
    expect(tokenizer.decode(parsed)).not.toContain('<|');
    expect(tokenizer.eotId).toBe(32007);
  });

  test('WordPiece adds its classes', async () => {
    const ids = [...(await vocabulary('bert-bge')).encode('Hello World')];
    expect(ids).toEqual([101, 7592, 2088, 102]);
  });
});

describe('words of a byte-level vocabulary', () => {
  const text = "I'VE 12345 don't\n\n  a/b//\n ½٣٤٥٦";

  test.each([
    ['gpt-2', ['I', "'", 'VE', ' 12345', ' don', "'t", '\n\n ', ' a', '/', 'b', '//', '\n', ' ½٣٤٥٦']],
    ['llama-bpe', ['I', "'VE", ' ', '123', '45', ' don', "'t", '\n\n', ' ', ' a', '/b', '//\n', ' ', '½٣٤', '٥٦']],
    ['qwen2', ['I', "'VE", ' ', ...'12345', ' don', "'t", '\n\n', ' ', ' a', '/b', '//\n', ' ', ...'½٣٤٥٦']],
    ['starcoder', ['I', "'", 'VE', ' ', ...'12345', ' don', "'t", '\n\n ', ' a', '/', 'b', '//', '\n ', ...'½٣٤٥٦']],
  ])('%s', (name, words) => expect([...namedSplitter(name).split(text)]).toEqual(words));

  test('an unknown name is refused', () => {
    expect(() => namedSplitter('toString')).toThrow(ComputeError);
  });
});

describe('joining pairs', () => {
  const tokens = ['a', 'b', 'ab', 'aba', 'ba', 'aa'];
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const join = (text: string, pairs: MergeList | ScoredPairs) => {
    const symbols = [...text].map((character) => idOf.get(character) as number);
    const kept = joinPairs(symbols, symbols.length, pairs);
    return symbols.slice(0, kept).map((id) => tokens[id]);
  };
  const split = (merge: string) => merge.split(' ') as [string, string];

  test('lower ranks are joined first, then from the left', () => {
    expect(join('aababa', new MergeList(['b a', 'a a', 'a ba'].map(split), idOf))).toEqual(['aa', 'ba', 'ba']);
    expect(join('aaaaa', new MergeList([split('a a')], idOf))).toEqual(['aa', 'aa', 'a']);
  });

  test('higher scores are joined first, whatever the parts', () => {
    const scores = [0, 0, -2, -3, -1, -9];
    expect(join('ababa', new ScoredPairs(tokens, scores, idOf))).toEqual(['aba', 'ba']);
  });

  test('it is the same as joining one pair after another', () => {
    const merges = ['a b', 'a a', 'b a', 'ab a'].map(split);
    const pairs = new MergeList(merges, idOf);
    for (let bits = 0; bits < 1 << 10; bits++) {
      let words: string[] = Array.from({ length: 10 }, (_, i) => ((bits >> i) & 1 ? 'a' : 'b'));
      const text = words.join('');
      for (;;) {
        const ranks = words.slice(1).map((right, i) => merges.findIndex(([l, r]) => l === words[i] && r === right));
        const best = Math.min(...ranks.filter((rank) => rank >= 0));
        if (best === Infinity) break;
        const at = ranks.indexOf(best);
        words = [...words.slice(0, at), words[at] + words[at + 1], ...words.slice(at + 2)];
      }
      expect(join(text, pairs)).toEqual(words);
    }
  });
});

describe('words of a SentencePiece vocabulary', () => {
  test('cuts where no token reaches over', () => {
    const split = wordSplitter(['a', '▁', '▁a', '▁▁', 'b▁a', '<0x0A>']);
    expect([...split('▁a▁ab▁a▁▁a\na\n\n▁')]).toEqual(['▁a', '▁ab▁a', '▁▁a', '\n', 'a', '\n', '\n', '▁']);
    expect([...wordSplitter(['\n\n', 'a\n'])('a\n\nb\n')]).toEqual(['a\n\n', 'b', '\n']);
  });
});

describe('tokenizer.json', () => {
  const json = {
    model: { type: 'BPE', vocab: { '<unk>': 0, '▁': 3, a: 4, '▁a': 5 }, merges: ['▁ a'], unk_token: '<unk>' },
    added_tokens: [
      { id: 1, content: '<s>', special: true },
      { id: 2, content: '<tool>', special: false },
      { id: 6, content: '<mask>', special: true, lstrip: true, rstrip: true },
    ],
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>' } }, { Sequence: { id: 'A' } }],
      special_tokens: { '<s>': { ids: [1] } },
    },
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first' },
  };

  test('added tokens, a template and a space in front of the first word are minded', () => {
    const tokenizer = Tokenizer.fromJson(json, { bos_token: { content: '<s>' }, eos_token: '<s>' });
    expect([...tokenizer.encode('a a')]).toEqual([1, 5, 5]);
    expect([...tokenizer.encode('a<tool>a')]).toEqual([1, 5, 2, 4]);
    expect([...tokenizer.encode('a <mask>  a', { special: true, addSpecial: false })]).toEqual([5, 6, 4]);
    expect([...tokenizer.encode('é')]).toEqual([1, 3, 0]);
    expect(tokenizer.decode([1, 5, 2, 5, 6])).toBe('a<tool> a');
    expect(tokenizer.decode([5], { continued: true })).toBe(' a');
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.vocabularySize]).toEqual([1, 1, 7]);
  });

  test('WordPiece cuts words into the longest tokens', () => {
    const vocab = { '[UNK]': 0, hug: 1, '##s': 2, '##ging': 3, '!': 4 };
    const tokenizer = Tokenizer.fromJson({
      model: { type: 'WordPiece', vocab, unk_token: '[UNK]' },
      normalizer: { type: 'BertNormalizer' },
      pre_tokenizer: { type: 'BertPreTokenizer' },
    });
    expect([...tokenizer.encode('HÛGS hugging! bug')]).toEqual([1, 2, 1, 3, 4, 0]);
  });

  test('what is not known is said', () => {
    expect(() => Tokenizer.fromJson({ ...json, normalizer: { type: 'Precompiled' } })).toThrow(/'Precompiled'/);
    expect(() => Tokenizer.fromJson({ model: { type: 'Unigram', vocab: [] as never } })).toThrow(/Unigram/);
    expect(() => Tokenizer.fromJson({} as never)).toThrow(ComputeError);
  });

  test('misuse names the argument', () => {
    const tokenizer = Tokenizer.fromJson(json);
    expect(() => tokenizer.encode(5 as never)).toThrow(/text must be a string, got 5/);
    expect(() => tokenizer.encode('a', { addSpecials: true } as never)).toThrow(/did you mean 'addSpecial'/);
    expect(() => tokenizer.decode([7])).toThrow(RangeError);
    expect(() => tokenizer.decode(5 as never)).toThrow('tokenizer.decode: ids must be token ids, got 5');
    expect(() => tokenizer.decode('abc' as never)).toThrow("tokenizer.decode: ids must be token ids, got 'abc'");
    expect(() => tokenizer.encodeInTurns('a', { signal: 5 as never })).toThrow(/signal must be an AbortSignal, got 5/);
    expect(() => Tokenizer.fromGguf({} as never)).toThrow(/^Tokenizer.fromGguf: metadata must be that of a GGUF file/);
    expect(() => Tokenizer.fromJson(5 as never)).toThrow('Tokenizer.fromJson: json must be an object, got 5');
    expect(() => new (Tokenizer as unknown as new () => unknown)()).toThrow(/Tokenizer has no public constructor/);
    expect(() => tokenizer.tokenBytes(-1)).toThrow(RangeError);
  });

  test('a long text is encoded in turns with other work, with the same ids', async () => {
    const tokenizer = Tokenizer.fromJson(json);
    const text = 'a '.repeat(100_000);
    let turns = 0;
    let goesOn = true;
    const other = () => {
      turns++;
      if (goesOn) setImmediate(other);
    };
    setImmediate(other);
    const ids = await tokenizer.encodeInTurns(text);
    goesOn = false;
    expect(ids).toEqual(tokenizer.encode(text));
    expect(turns).toBeGreaterThan(10);
  });

  test('an abort ends it between two turns', async () => {
    const controller = new AbortController();
    const encoding = Tokenizer.fromJson(json).encodeInTurns('a '.repeat(100_000), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(encoding).rejects.toThrow('enough');
  });
});
