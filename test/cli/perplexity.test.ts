// `wavetile perplexity` by child process.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli, WRITER } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-perplexity-'));
const text = join(folder, 'text.txt');
const words = join(folder, 'words.txt');
const book = readFileSync(fileURLToPath(new URL('../../books/war-and-peace.txt', import.meta.url)), 'utf8');
writeFileSync(text, book.slice(100_000, 104_000));
// The same words in another order say less about each other.
writeFileSync(words, book.slice(100_000, 104_000).split(/\s+/).sort().reverse().join(' '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const measure = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCli('main', ['perplexity', WRITER, ...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as { perplexity: number; loss: number; tokens: number; window: number };
};

describe('wavetile perplexity', () => {
  it('is that of English the model has seen, and more for shuffled words', async () => {
    const { code, stdout, stderr } = await runCli('main', ['perplexity', WRITER, text]);
    expect(code).toBe(0);
    const [, perplexity, loss] = /^perplexity ([\d.]+) \(([\d.]+) nats a token\)\n$/.exec(stdout) as RegExpExecArray;
    expect(Number(perplexity)).toBeGreaterThan(15);
    expect(Number(perplexity)).toBeLessThan(80);
    expect(Math.log(Number(perplexity))).toBeCloseTo(Number(loss), 3);
    expect(stderr).toMatch(/^1,\d{3} tokens in windows of 512, in .* tokens\/s\)\n$/);
    expect((await measure(words)).perplexity).toBeGreaterThan(2 * Number(perplexity));
  });

  it('is more where less is read together', async () => {
    const [long, short] = await Promise.all([measure(text), measure(text, '--window', '8')]);
    expect(long).toMatchObject({ window: 512, tokens: short.tokens });
    expect(short.window).toBe(8);
    expect(short.loss).toBeGreaterThan(long.loss + 0.5);
  });

  it('fails with one line for a missing file, a folder and a window that is too long', async () => {
    const absent = await runCli('main', ['perplexity', WRITER, join(folder, 'absent.txt')]);
    expect(absent).toMatchObject({ code: 1, stderr: expect.stringMatching(/absent\.txt: no such file or folder/) });
    const directory = await runCli('main', ['perplexity', WRITER, folder]);
    expect(directory).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`'${folder}' .*a folder`)) });
    const wide = await runCli('main', ['perplexity', WRITER, text, '--window', '9999']);
    expect(wide).toMatchObject({ code: 1, stderr: expect.stringMatching(/window must be .* 512, got 9999/) });
  });
});
