// Finds every test/kernels/<room>/<kernel> file; adding a kernel changes no list.
import { readdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { KernelCases } from './cases.js';

const here = fileURLToPath(import.meta.url);
const folder = join(dirname(here), '..', 'kernels');
const extension = extname(here);

export async function loadCases(): Promise<KernelCases[]> {
  const rooms = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const paths: string[] = [];
  for (const room of rooms) {
    const files = (await readdir(join(folder, room.name))).filter((file) => extname(file) === extension);
    paths.push(...files.sort().map((file) => join(folder, room.name, file)));
  }
  return Promise.all(
    paths.map(async (path) => ((await import(pathToFileURL(path).href)) as { default: KernelCases }).default),
  );
}
