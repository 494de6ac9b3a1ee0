// Reads what the writer wrote, through a file that is gone afterwards.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gguf, readGguf } from '../../src/formats/gguf.js';
import { ggufFile, type WrittenFile } from '../support/gguf-writer.js';

export async function ggufOf(file: WrittenFile): Promise<Gguf> {
  const folder = mkdtempSync(join(tmpdir(), 'wavetile-gguf-'));
  try {
    const path = join(folder, 'file.gguf');
    writeFileSync(path, ggufFile(file));
    return await readGguf(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
