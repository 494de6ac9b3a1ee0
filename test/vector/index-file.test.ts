// The index container: sections come back, and no cut, flipped byte or foreign file is ever read as an index.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type IndexFileContent, openIndexFile, writeIndexFile } from '../../src/vector/index-file.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-index-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, 'small.index');
const damagedPath = join(folder, 'damaged.index');

const small: IndexFileContent = {
  kind: 'flat',
  meta: { dimensions: 3, name: 'größe' },
  sections: [
    { name: 'vectors', data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    { name: 'ids', data: BigInt64Array.of(7n, -8n) },
    { name: 'empty', data: new Uint32Array(0) },
    { name: 'tail', data: Uint8Array.of(1, 2, 3) },
  ],
};

const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_FILE', message: expect.stringMatching(message) });

/** Opens the file and reads all of it. */
async function readAll(from: string, kind?: string): Promise<unknown[]> {
  const file = await openIndexFile(from, { kind });
  try {
    const arrays: unknown[] = [];
    for (const { name } of file.sections) arrays.push(await file.read(name));
    return arrays;
  } finally {
    await file.close();
  }
}

async function* chunks(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(bytes).fill(i + 1);
}

describe('index file', () => {
  it('gives back what was written', async () => {
    await writeIndexFile(path, small);
    const file = await openIndexFile(path, { kind: 'flat' });
    expect(file.kind).toBe('flat');
    expect(file.meta).toEqual(small.meta);
    expect(file.sections.map(({ name, type, bytes }) => [name, type, bytes])).toEqual([
      ['vectors', 'f32', 24],
      ['ids', 'i64', 16],
      ['empty', 'u32', 0],
      ['tail', 'u8', 3],
    ]);
    for (const { name, data } of small.sections) expect(await file.read(name)).toEqual(data);
    await expect(file.read('codes')).rejects.toEqual(invalid(/expected a section 'codes', got only: vectors, ids/));
    await file.close();
  });

  it('aligns sections to 64 bytes', async () => {
    await writeIndexFile(path, small);
    const bytes = readFileSync(path);
    expect(bytes.indexOf(Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer)) % 64).toBe(0);
    expect(bytes.indexOf(Buffer.from(BigInt64Array.of(7n, -8n).buffer)) % 64).toBe(0);
  });

  it('writes and reads streams', async () => {
    const sections = [
      { name: 'codes', data: chunks(5, 1000), bytes: 5000 },
      { name: 'floats', data: chunks(2, 8), bytes: 16, type: 'f32' as const },
    ];
    await writeIndexFile(path, { kind: 'stream', meta: null, sections });
    const file = await openIndexFile(path);
    expect(await file.read('floats')).toBeInstanceOf(Float32Array);
    const lengths: number[] = [];
    const parts: Buffer[] = [];
    for await (const chunk of file.stream('codes', { chunkBytes: 2048 })) {
      lengths.push(chunk.length);
      parts.push(Buffer.from(chunk));
    }
    expect(lengths).toEqual([2048, 2048, 904]);
    expect(Buffer.concat(parts)).toEqual(Buffer.from((await file.read('codes')) as Uint8Array));
    await file.close();
  });

  it('rejects a stream of another length than announced and keeps the old file', async () => {
    await writeIndexFile(path, small);
    for (const bytes of [4999, 5001]) {
      const content = { kind: 'stream', meta: null, sections: [{ name: 'codes', data: chunks(5, 1000), bytes }] };
      await expect(writeIndexFile(path, content)).rejects.toThrow(/section 'codes' must give/);
    }
    expect((await readAll(path)).length).toBe(4);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('keeps the old file when aborted in the middle', async () => {
    await writeIndexFile(path, small);
    const controller = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(100);
      controller.abort(new Error('enough'));
      yield new Uint8Array(100);
    }
    const content = { kind: 'x', meta: null, sections: [{ name: 'a', data: endless(), bytes: 1e9 }] };
    await expect(writeIndexFile(path, content, { signal: controller.signal })).rejects.toThrow('enough');
    expect((await readAll(path)).length).toBe(4);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('rejects bad arguments', async () => {
    const twice = { ...small, sections: [small.sections[0], small.sections[0]] };
    await expect(writeIndexFile(path, twice)).rejects.toThrow(/different names/);
    const unknown = { ...small, sections: [{ name: 'a', data: 'text' as never }] };
    await expect(writeIndexFile(path, unknown)).rejects.toThrow();
    expect(() => openIndexFile(path, { kidn: 'flat' } as never)).toThrow(/kind/);
  });
});

describe('a damaged index file', () => {
  it('is rejected when cut at any byte', async () => {
    await writeIndexFile(path, small);
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(damagedPath, whole.subarray(0, length));
      await expect(openIndexFile(damagedPath), `${length} bytes`).rejects.toEqual(
        invalid(length === 0 ? /not an index file/ : /truncated/),
      );
    }
    writeFileSync(damagedPath, Buffer.concat([whole, Buffer.alloc(1)]));
    await expect(openIndexFile(damagedPath)).rejects.toEqual(invalid(/1 more bytes/));
  });

  it('is rejected when any byte is flipped', async () => {
    await writeIndexFile(path, small);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      for (const bits of [0x01, 0xff]) {
        const damaged = Buffer.from(whole);
        damaged[at] ^= bits;
        writeFileSync(damagedPath, damaged);
        await expect(readAll(damagedPath), `byte ${at} ^ ${bits}`).rejects.toEqual(invalid(/: byte \d+: /));
      }
    }
  });

  it('is told apart from other files, versions and kinds', async () => {
    await writeIndexFile(path, small);
    await expect(openIndexFile(path, { kind: 'ivf-pq' })).rejects.toEqual(
      invalid(/expected an index of kind 'ivf-pq', got 'flat'/),
    );
    const later = readFileSync(path);
    later.writeUInt32LE(3, 8);
    writeFileSync(damagedPath, later);
    await expect(openIndexFile(damagedPath)).rejects.toEqual(invalid(/written by format 3, this build reads 1/));
    writeFileSync(damagedPath, 'just some text, long enough for a header');
    await expect(openIndexFile(damagedPath)).rejects.toEqual(invalid(/not an index file/));
    await expect(openIndexFile(join(folder, 'absent'))).rejects.toThrow(/ENOENT/);
  });
});
