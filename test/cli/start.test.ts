// `npm start` by child process: the book's questions, a user's text, a folder, and inputs that hold no text.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ANIMALS = [
  '# Animals',
  'The otter floats on its back in the cold river and cracks mussels with a stone that it keeps under its arm.',
  'A hedgehog rolls into a ball of spines when the fox comes near, and waits in the leaves until it is gone.',
  'Swallows build their nests of mud under the roof of the barn and fly to Africa before the first frost.',
].join('\n\n');

describe('npm start', () => {
  it('embeds and indexes the book, and goes on from what it finds, without colours or bars', async () => {
    const { code, stdout, stderr } = await runCli('start', ['--passages', '600']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/^device +cpu: /m);
    expect(stdout).toMatch(/^models +wavetile-demo-embed-7m .* for search, wavetile-demo-lm-7m .* for text/m);
    expect(stdout).toMatch(/^text +War and Peace .* 10,\d{3} passages.*\n +the first 600 of them$/m);
    expect(stdout).toMatch(/^vectors +256 dimensions, made from \d\d,\d{3} tokens in .* tokens\/s\)/m);
    expect(stdout).toMatch(/^index +IVF-PQ, 8 lists, 128 bytes a passage/m);
    const recall = Number(/^recall@10 +([01]\.\d{3})/m.exec(stdout)?.[1]);
    expect(recall).toBeGreaterThan(0.7);
    expect(stdout).toMatch(/^speed +[\d,]+ queries a second/m);
    expect(stdout).toMatch(/reception\?\n +0\.\d+ +BOOK ONE: 1805, CHAPTER [IV]+, war-and-peace\.txt:\d+\n/);
    const stories = stdout.match(/^ {2}story .*goes on.*\n( {9}\S.*\n)+\n {2}\d+ tokens at [\d.,]+ tokens\/s/gm);
    expect(stories).toHaveLength(5);
  });

  it('finds the passage of a text of a few lines', async () => {
    const path = join(folder, 'animals.md');
    writeFileSync(path, ANIMALS);
    const question = 'Swallows build their nests of mud under the roof.';
    const { code, stdout, stderr } = await runCli('start', [path, '--question', question]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^index +exact, as there are few passages/m);
    expect(stdout).toMatch(/under the roof\.\n +0\.\d+ +Animals, animals\.md:7\n +Swallows build/);
    expect(stdout).toMatch(/goes on from the beginning of the first:\n +Swallows build their nests of mud /);
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
    const { stdout } = await runCli('start', [
      texts,
      '-q',
      'The keeper counts the ships that pass at night.',
      'The fox comes near.',
    ]);
    expect(stdout).toMatch(/4 passages.*2 files/);
    expect(stdout).toMatch(/at night\.\n.*b\.txt:1\n +The lighthouse/);
    expect(stdout).toMatch(/comes near\.\n.*a\.txt:\d\n/);
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
