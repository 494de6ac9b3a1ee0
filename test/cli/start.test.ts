// `npm start` by child process: the book's questions, a user's text, a folder, and inputs that hold no text.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { runCli } from './run-cli.js';

// A busy machine may take long for the whole book.
vi.setConfig({ testTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'wavetile-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ANIMALS = [
  '# Animals',
  'The otter floats on its back in the cold river and cracks mussels with a stone that it keeps under its arm.',
  'A hedgehog rolls into a ball of spines when the fox comes near, and waits in the leaves until it is gone.',
  'Swallows build their nests of mud under the roof of the barn and fly to Africa before the first frost.',
].join('\n\n');

describe('npm start', () => {
  it('indexes the book and answers its questions without colours or bars', async () => {
    const { code, stdout, stderr } = await runCli('start', []);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/^device +cpu: /m);
    expect(stdout).toMatch(/^text +War and Peace .* 9,\d{3} passages/m);
    const recall = Number(/^recall@10 +([01]\.\d{3})/m.exec(stdout)?.[1]);
    expect(recall).toBeGreaterThan(0.7);
    expect(stdout).toMatch(/^speed +[\d,]+ queries a second/m);
    expect(stdout).toMatch(/BOOK SIX: 1808 - 10, CHAPTER I+, war-and-peace\.txt:\d+\n.*\n?.*oak/);
  });

  it('answers a question from a text of a few lines', async () => {
    const path = join(folder, 'animals.md');
    writeFileSync(path, ANIMALS);
    const { code, stdout, stderr } = await runCli('start', [path, '--question', 'Where do swallows build nests?']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/Where do swallows build nests\?\n +0\.\d+ +Animals, animals\.md:7\n +Swallows build/);
  });

  it('reads a folder and says where each passage is from', async () => {
    const texts = join(folder, 'texts');
    mkdirSync(join(texts, 'deep'), { recursive: true });
    writeFileSync(join(texts, 'a.txt'), ANIMALS);
    writeFileSync(
      join(texts, 'deep', 'b.txt'),
      'The lighthouse keeper counts the ships that pass at night and writes them in a book.',
    );
    writeFileSync(join(texts, 'image.png'), 'not text');
    const { stdout } = await runCli('start', [texts, '-q', 'lighthouse keeper', 'purple elephants']);
    expect(stdout).toMatch(/4 passages.*2 files/);
    expect(stdout).toMatch(/b\.txt:1\n +The lighthouse/);
    expect(stdout).toMatch(/purple elephants\n +No passage shares a word/);
  });

  it('fails with one line where there is no text', async () => {
    const fails = async (path: string, message: RegExp) => {
      const { code, stderr } = await runCli('start', [path]);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n').length).toBe(1);
    };
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(folder, 'empty.txt'), '\n\n');
    writeFileSync(join(folder, 'binary.txt'), Buffer.from([1, 0, 2, 0]));
    await fails(join(folder, 'empty'), /holds no text/);
    await fails(join(folder, 'empty.txt'), /holds no text/);
    await fails(join(folder, 'binary.txt'), /not a text file/);
    await fails(join(folder, 'absent.txt'), /absent\.txt: no such file or folder/);
  });
});
