// Files that appear complete or not at all, and what their errors say.
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OutputFile, writeAtomically } from '../../src/runtime/atomic-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wavetile-atomic-'));
});
afterEach(() => rm(folder, { recursive: true }));

const writeHello = (file: OutputFile) => file.append(Buffer.from('hello'));

test('a file is replaced through a symbolic link, which stays', async () => {
  const [target, link] = [join(folder, 'target'), join(folder, 'link')];
  await writeFile(target, 'old');
  await symlink(target, link);
  await writeAtomically(link, writeHello);
  expect(await readFile(target, 'utf8')).toBe('hello');
  expect((await readdir(folder)).sort()).toEqual(['link', 'target']);
});

test('work that fails leaves the old file and nothing else', async () => {
  const path = join(folder, 'file');
  await writeFile(path, 'old');
  const failing = async (file: OutputFile) => {
    await writeHello(file);
    throw new Error('failed');
  };
  await expect(writeAtomically(path, failing)).rejects.toThrow('failed');
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['file']);
});

test('an error names the file that was asked for, not the temporary one', async () => {
  const path = join(folder, 'missing', 'file');
  const error: NodeJS.ErrnoException = await writeAtomically(path, writeHello).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open', path });
  expect(error.message).toBe(`ENOENT: no such file or directory, open '${path}'`);
  expect(error.stack).not.toContain('.tmp');
});
