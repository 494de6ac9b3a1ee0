// Passages: paragraphs keep their place, short ones are joined, long ones cut.
import { describe, expect, it } from 'vitest';
import { beginningOf, passagesOf, sentencesOf } from '../../src/cli/passages.js';

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

  it('begin with whole words, at most half of them', () => {
    const passage = (text: string) => ({ text, file: 'a.txt', line: 1, heading: '' });
    expect(beginningOf(passage('one two three four five six'))).toBe('one two three');
    expect(beginningOf(passage('word '.repeat(100)))).toBe('word '.repeat(32).trim());
    expect(beginningOf(passage('Word.'))).toBe('Word.');
  });
});
