// Text that comes in pieces is wrapped as if it had come as a whole.
import { describe, expect, it } from 'vitest';
import { WrappedStream, wrap } from '../../src/cli/terminal.js';

const TEXT = 'One, two and three went into a forest, and none of them came out again before evening.';

function pieces(text: string, length: number): string {
  const stream = new WrappedStream('  ', 20);
  let printed = '';
  for (let i = 0; i < text.length; i += length) printed += stream.push(text.slice(i, i + length));
  return printed + stream.end();
}

describe('wrapped stream', () => {
  it('breaks lines where the whole text would', () => {
    for (const length of [1, 3, 7, 1000]) expect(pieces(TEXT, length)).toBe(`${wrap(TEXT, '  ', 20)}\n`);
  });

  it('keeps line ends, but no empty lines', () => {
    expect(pieces('One.\n\nTwo.\n', 2)).toBe('  One.\n  Two.\n');
    expect(pieces('', 1)).toBe('');
  });
});
