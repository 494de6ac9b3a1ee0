// Passages and their vectors: paragraphs keep their place, and texts that share words lie near each other.
import { describe, expect, it } from 'vitest';
import { PassageVectors } from '../../src/cli/passage-vectors.js';
import { passagesOf, sentencesOf } from '../../src/cli/passages.js';

const long = (text: string) => `${text} ${'and so it went on, day after day, until the end of the year came'}`;

describe('passages', () => {
  it('know their line and their headings', () => {
    const text = ['BOOK ONE: 1805', '', 'CHAPTER I', '', long('First,'), 'second line.', '', '', long('Next.')].join(
      '\n',
    );
    expect(passagesOf(text, 'a.txt')).toMatchObject([
      { line: 5, heading: 'BOOK ONE: 1805, CHAPTER I', text: expect.stringMatching(/^First,.* second line\.$/) },
      { line: 9, heading: 'BOOK ONE: 1805, CHAPTER I' },
    ]);
  });

  it('join short paragraphs to the next and cut long ones after a sentence', () => {
    const joined = passagesOf(`"Yes."\n\n"No."\n\n${long('Then')}`, 'a.txt');
    expect(joined).toHaveLength(1);
    expect(joined[0]).toMatchObject({ line: 1, text: expect.stringMatching(/^"Yes\." "No\." Then/) });
    const cut = passagesOf(`${'A sentence of some words. '.repeat(200)}`, 'a.txt');
    expect(cut.length).toBeGreaterThan(2);
    for (const { text } of cut) expect(text).toMatch(/^A .*\.$/);
  });

  it('are cut into sentences at capitals only', () => {
    expect(sentencesOf('One, e.g. this. "Two?" Three! four.')).toEqual(['One, e.g. this.', '"Two?"', 'Three! four.']);
  });
});

describe('passage vectors', () => {
  const texts = [
    'the red fox jumps over the fence',
    'a ship sails over the sea',
    'the captain of the ship',
    'red wine and cheese',
  ];
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

  it('have length 1, except those of texts without words', async () => {
    const { embedder, vectors } = await PassageVectors.fit([...texts, '...']);
    for (let i = 0; i < 5; i++) {
      const vector = vectors.subarray(i * 256, (i + 1) * 256);
      expect(dot(vector, vector)).toBeCloseTo(i < 4 ? 1 : 0, 5);
    }
    expect(embedder.embed(texts)).toEqual(vectors.subarray(0, 4 * 256));
  });

  it('are nearest to the text that shares most words', async () => {
    const { embedder, vectors } = await PassageVectors.fit(texts);
    const question = embedder.embed(['Which ships were sailing?']);
    const scores = texts.map((_, i) => dot(question, vectors.subarray(i * 256, (i + 1) * 256)));
    expect(scores.indexOf(Math.max(...scores))).toBeGreaterThan(0);
    expect([1, 2]).toContain(scores.indexOf(Math.max(...scores)));
    const exact = embedder.similarities('Which ships were sailing?', texts);
    expect(exact[0]).toBe(0);
    expect(exact[1]).toBeGreaterThan(exact[2] * 0.5);
  });
});
