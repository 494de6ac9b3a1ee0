// Vector files: what is written comes back, ranges are read alone, and every damaged file is an INVALID_FILE error.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bytesOf } from '../../src/formats/bytes.js';
import {
  readBvecs,
  readFvecs,
  readIvecs,
  readNpy,
  readVectors,
  type WritableVectors,
  writeBvecs,
  writeFvecs,
  writeIvecs,
  writeNpy,
  writeVectors,
} from '../../src/vector/formats/index.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-formats-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(extension: string, bytes?: Uint8Array): string {
  const path = join(folder, `file-${files++}.${extension}`);
  if (bytes) writeFileSync(path, bytes);
  return path;
}

function floats(count: number, dimensions: number): WritableVectors<Float32Array> {
  return { dimensions, data: Float32Array.from({ length: count * dimensions }, (_, i) => i * 0.5 - 3) };
}

/** A version 1.0 .npy file with the given head and numbers. */
function npy(head: string, data: ArrayBufferView, version: 1 | 2 | 3 = 1): Buffer {
  const text = Buffer.from(`${head}\n`, version === 3 ? 'utf8' : 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(text.length, 0, length.length);
  const magic = Buffer.from([0x93, ...Buffer.from('NUMPY'), version, 0]);
  return Buffer.concat([magic, length, text, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

const head = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_FILE', message: expect.stringMatching(message) });

describe('fvecs, ivecs, bvecs', () => {
  it('lie in the file as the format says', async () => {
    const path = file('ivecs');
    await writeIvecs(path, { dimensions: 2, data: Int32Array.of(1, -1, 5, 6) });
    const words = new Int32Array(new Uint8Array(readFileSync(path)).buffer);
    expect([...words]).toEqual([2, 1, -1, 2, 5, 6]);
  });

  it('come back as they were written', async () => {
    const vectors = floats(7, 5);
    const path = file('fvecs');
    await writeFvecs(path, vectors);
    expect(await readFvecs(path)).toEqual({ first: 0, count: 7, total: 7, ...vectors });
    const ints = { dimensions: 3, data: Int32Array.of(1, -2, 3, 4, 5, 2147483647) };
    await writeIvecs(path, ints);
    expect(await readIvecs(path)).toEqual({ first: 0, count: 2, total: 2, ...ints });
    const bytes = { dimensions: 3, data: Uint8Array.of(0, 255, 3, 4, 5, 6) };
    await writeBvecs(path, bytes);
    expect(await readBvecs(path)).toEqual({ first: 0, count: 2, total: 2, ...bytes });
  });

  it('survive more rows than one slice holds', async () => {
    const vectors = floats(9001, 64);
    const path = file('fvecs');
    await writeVectors(path, vectors);
    const same = (a: ArrayBufferView, b: ArrayBufferView) => Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
    expect(same((await readVectors(path)).data, vectors.data)).toBe(true);
    const part = await readVectors(path, { first: 4090, count: 4200 });
    expect(same(part.data, vectors.data.subarray(4090 * 64, 8290 * 64))).toBe(true);
  });

  it('are read in ranges', async () => {
    const vectors = floats(10, 3);
    const path = file('fvecs');
    await writeFvecs(path, vectors);
    const part = await readFvecs(path, { first: 4, count: 2 });
    expect(part).toEqual({ first: 4, count: 2, total: 10, dimensions: 3, data: vectors.data.subarray(12, 18) });
    expect((await readFvecs(path, { first: 8, count: 100 })).count).toBe(2);
    expect((await readFvecs(path, { first: 10 })).count).toBe(0);
    expect((await readFvecs(path, { count: 0 })).dimensions).toBe(3);
    await expect(readFvecs(path, { first: 11 })).rejects.toThrow(/first must be at most 10/);
  });

  it('are rejected when cut at any byte', async () => {
    for (const [read, write, data, extension] of [
      [readFvecs, writeFvecs, new Float32Array(9), 'fvecs'],
      [readBvecs, writeBvecs, new Uint8Array(9), 'bvecs'],
    ] as const) {
      const path = file(extension);
      await write(path, { dimensions: 3, data } as never);
      const whole = readFileSync(path);
      const rowBytes = whole.length / 3;
      for (let length = 0; length < whole.length; length++) {
        if (length > 0 && length % rowBytes === 0) continue; // a shorter but whole file
        await expect(read(file(extension, whole.subarray(0, length))), `${length} bytes`).rejects.toEqual(
          invalid(/: byte \d+: the file is truncated: expected .* of \d+ bytes, got \d+/),
        );
      }
    }
  });

  it('are rejected when a dimension is negative, zero, huge or not that of row 0', async () => {
    const rows = (...words: number[]) => file('ivecs', new Uint8Array(Int32Array.from(words).buffer));
    await expect(readIvecs(rows(-1, 1))).rejects.toEqual(
      invalid(/byte 0: expected a positive dimension of row 0, got -1/),
    );
    await expect(readIvecs(rows(0, 1))).rejects.toEqual(invalid(/got 0/));
    await expect(readIvecs(rows(0x7fffffff, 1))).rejects.toEqual(invalid(/row 0 with 2147483647 dimensions/));
    await expect(readIvecs(rows(2, 1, 1, 3, 1, 1))).rejects.toEqual(
      invalid(/byte 12: expected dimension 2 in row 1.*got 3/),
    );
    await expect(readIvecs(rows(2, 1, 1, 3, 1, 1, 1))).rejects.toEqual(invalid(/got 3/));
  });

  it('name a missing file', async () => {
    await expect(readFvecs(join(folder, 'absent.fvecs'))).rejects.toThrow(/ENOENT.*absent\.fvecs/);
  });

  it('name a folder and a device that stand where a file is wanted', async () => {
    mkdirSync(join(folder, 'folder.fvecs'));
    const refused = (message: RegExp) => ({ code: 'INVALID_FILE', message: expect.stringMatching(message) });
    await expect(readFvecs(join(folder, 'folder.fvecs'))).rejects.toMatchObject(refused(/folder\.fvecs: .* a folder/));
    await expect(readFvecs('/dev/null')).rejects.toMatchObject(refused(/null: not a file but a device/));
  });
});

describe('npy', () => {
  it('comes back as it was written', async () => {
    const data = [
      Float32Array.of(1.5, -2, 3, 4, 5, 6),
      Int32Array.of(1, -2, 3, 4, 5, 6),
      Uint32Array.of(1, 4294967295, 3, 4, 5, 6),
      Int8Array.of(1, -128, 3, 4, 5, 6),
      Uint8Array.of(1, 255, 3, 4, 5, 6),
      BigInt64Array.of(1n, -(2n ** 63n), 3n, 4n, 5n, 6n),
    ];
    for (const array of data) {
      const path = file('npy');
      await writeNpy(path, { dimensions: 3, data: array });
      expect(readFileSync(path).indexOf('\n') % 64, 'numbers begin at a multiple of 64').toBe(63);
      expect(await readNpy(path)).toEqual({ first: 0, count: 2, total: 2, dimensions: 3, data: array });
      expect((await readVectors(path, { first: 1 })).data).toEqual(array.slice(3));
    }
  });

  it('reads versions 1 to 3 and every spelling of the head', async () => {
    const data = Float32Array.of(1, 2, 3, 4);
    for (const version of [1, 2, 3] as const) {
      const read = await readNpy(file('npy', npy(head('<f4', '(2, 2)'), data, version)));
      expect(read).toMatchObject({ count: 2, dimensions: 2, data });
    }
    const spellings = ['{"shape": (2,2), "descr": "<f4", "fortran_order": False}', head('<f4', '(2L, 2L)')];
    for (const text of spellings) expect(await readNpy(file('npy', npy(text, data)))).toMatchObject({ count: 2, data });
    expect(await readNpy(file('npy', npy(head('<f4', '(4,)'), data)))).toMatchObject({ count: 4, dimensions: 1 });
  });

  it('turns float64 and float16 into float32', async () => {
    const doubles = Float64Array.of(0.1, 1e300, -2, 3);
    const read = await readNpy(file('npy', npy(head('<f8', '(2, 2)'), doubles)), { first: 1 });
    expect(read.data).toEqual(Float32Array.of(-2, 3));
    expect((await readNpy(file('npy', npy(head('<f8', '(2, 2)'), doubles)))).data).toEqual(Float32Array.from(doubles));
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x0001, 0x3555, 0x8000, 0xfbff, 0x7e00);
    expect((await readNpy(file('npy', npy(head('<f2', '(1, 8)'), halves)))).data).toEqual(
      Float32Array.of(1, -2, Infinity, 2 ** -24, 0.333251953125, -0, -65504, NaN),
    );
  });

  it('rejects what it cannot read', async () => {
    const data = Float32Array.of(1, 2, 3, 4);
    const reject = (text: string, message: RegExp) =>
      expect(readNpy(file('npy', npy(text, data)))).rejects.toEqual(invalid(message));
    await reject(head('<f4', '(2, 2)', 'True'), /C order.*got Fortran order/);
    await reject(head('>f4', '(2, 2)'), /little-endian numbers, got '>f4'/);
    await reject(head('<c8', '(2, 1)'), /got '<c8'/);
    await reject(head('|b1', '(4, 4)'), /got '\|b1'/);
    await reject(
      "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (4,), }",
      /'descr' with a plain number type/,
    );
    await reject(head('<f4', '(1, 2, 2)'), /one or two axes/);
    await reject(head('<f4', '()'), /one or two axes/);
    await reject(head('<f4', '(-2, 2)'), /'shape'/);
    await reject(head('<f4', '(99999999999999999, 9999999)'), /one or two axes/);
    await reject(head('<f4', '(9999999999, 2)'), /truncated: expected 9999999999 rows/);
    await reject(head('<f4', '(1, 2)'), /expected the end of the file, got 8 more bytes/);
    await expect(readNpy(file('npy', Buffer.from('PK\x03\x04 not an array')))).rejects.toEqual(invalid(/magic/));
    const version4 = npy(head('<f4', '(2, 2)'), data);
    version4[6] = 4;
    await expect(readNpy(file('npy', version4))).rejects.toEqual(invalid(/byte 6: expected .npy version/));
  });

  it('is rejected when cut at any byte', async () => {
    for (const version of [1, 2] as const) {
      const whole = npy(head('<f4', '(2, 2)'), Float32Array.of(1, 2, 3, 4), version);
      for (let length = 0; length < whole.length; length++)
        await expect(readNpy(file('npy', whole.subarray(0, length))), `${length}`).rejects.toEqual(
          invalid(/truncated/),
        );
    }
  });

  it('is rejected or unchanged in shape when any byte of the head is flipped', async () => {
    const whole = npy(head('<f4', '(2, 2)'), Float32Array.of(1, 2, 3, 4));
    for (let at = 0; at < whole.length - 16; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 0xff;
      const result = await readNpy(file('npy', damaged)).catch((error) => error);
      expect('code' in result ? result.code : result.count * result.dimensions).toSatisfy(
        (value) => value === 'INVALID_FILE' || value === 4,
      );
    }
  });
});

describe('writers', () => {
  it('reject bad arguments at once', () => {
    const path = file('fvecs');
    expect(() => readVectors(file('txt'))).toThrow(/path must end in .fvecs, .ivecs, .bvecs, .npy, got/);
    expect(() => readFvecs('')).toThrow(/path must be a non-empty string/);
    expect(() => readFvecs(path, { fist: 1 } as never)).toThrow(/first/);
    expect(() => readFvecs(path, { first: -1 })).toThrow(/first/);
    expect(() => writeFvecs(path, { dimensions: 3, data: new Float32Array(4) })).toThrow(/whole rows of 3/);
    expect(() => writeFvecs(path, { dimensions: 0, data: new Float32Array(4) })).toThrow(/dimensions/);
    expect(() => writeFvecs(path, { dimensions: 3, data: new Float32Array(0) })).toThrow(/not be empty/);
    expect(() => writeVectors(path, new Float32Array(4) as never)).toThrow(
      'writeVectors: vectors must be { data, dimensions }, got a Float32Array of 4',
    );
    expect(() => writeVectors(path, undefined as never)).toThrow(
      /vectors must be \{ data, dimensions \}, got undefined/,
    );
    expect(existsSync(path)).toBe(false);
  });

  it('are called in their errors as the user called them, and so are readers', () => {
    for (const extension of ['fvecs', 'npy']) {
      const path = file(extension);
      expect(() => readVectors(path, { first: -1 })).toThrow(/^readVectors: first must be/);
      expect(() => writeVectors(path, { dimensions: 2, data: new Float64Array(4) as never })).toThrow(
        /^writeVectors: data must be .*Float32Array/,
      );
    }
    expect(() => readNpy(file('npy'), { first: -1 })).toThrow(/^readNpy: first must be/);
    expect(() => writeFvecs(file('fvecs'), { dimensions: 0, data: new Float32Array(4) })).toThrow(/^writeFvecs: dim/);
  });

  it('keep the old file and leave nothing behind when they fail', async () => {
    const missing = join(folder, 'no-such-folder', 'x.fvecs');
    await expect(writeFvecs(missing, floats(2, 2))).rejects.toThrow(/ENOENT/);
    await expect(writeFvecs(folder, floats(2, 2))).rejects.toThrow(/not a regular file/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('write through a symbolic link', async () => {
    const target = file('fvecs', Buffer.from('old'));
    const link = file('fvecs');
    symlinkSync(target, link);
    await writeFvecs(link, floats(2, 2));
    expect(readFileSync(target)).toEqual(readFileSync(link));
    expect((await readFvecs(target)).count).toBe(2);
  });
});
