// The reader of GGUF headers: what stands in a file comes back, and whatever is wrong in it is named.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readGguf } from '../../src/formats/gguf.js';
import type { ComputeErrorCode } from '../../src/runtime/errors.js';
import {
  aligned,
  bool,
  bools,
  f32,
  f32s,
  ggufFile,
  ggufHeader,
  string,
  strings,
  u32,
  u64,
  type WrittenFile,
} from '../support/gguf-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-gguf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function write(bytes: Uint8Array): string {
  const path = join(folder, `file-${files++}.gguf`);
  writeFileSync(path, bytes);
  return path;
}

const failure = (code: ComputeErrorCode, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

const TENSORS: WrittenFile['tensors'] = [
  { name: 'first', type: 'F32', shape: [3] },
  { name: 'second', type: 'Q4_0', shape: [5, 64] },
  { name: 'third', type: 'Q6_K', shape: [2, 3, 256] },
];
const FILE: WrittenFile = {
  metadata: [
    ['a.u32', u32(0xffffffff)],
    ['a.u64', u64(2n ** 40n)],
    ['a.big', u64(2n ** 63n)],
    ['a.f32', f32(0.5)],
    ['a.bool', bool(true)],
    ['a.string', string('grün')],
    ['a.floats', f32s([1, -2.5])],
    ['a.bools', bools([true, false])],
    ['a.strings', strings(['', 'x', 'grün', 'last'])],
  ],
  tensors: TENSORS,
};
const BYTES = ggufFile(FILE);

/** The file with bytes replaced behind a text of the header. */
function changed(after: string, distance: number, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(BYTES);
  copy.set(bytes, copy.indexOf(after) + after.length + distance);
  return copy;
}

const long = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);
const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

describe('readGguf', () => {
  it.each([2, 3])('gives metadata and tensors of version %i', async (version) => {
    const { metadata, ...gguf } = await readGguf(write(ggufFile({ ...FILE, version })));
    expect(gguf).toMatchObject({ version, alignment: 32 });
    expect(metadata.number('a.u32')).toBe(0xffffffff);
    expect(metadata.number('a.u64')).toBe(2 ** 40);
    expect(metadata.values.get('a.big')).toBe(2n ** 63n);
    expect(metadata.number('a.f32')).toBe(0.5);
    expect(metadata.boolean('a.bool')).toBe(true);
    expect(metadata.string('a.string')).toBe('grün');
    expect(metadata.numbers('a.floats')).toEqual(Float32Array.of(1, -2.5));
    expect(metadata.numbers('a.bools')).toEqual(Uint8Array.of(1, 0));
    expect(metadata.string('none')).toBeUndefined();
    const table = metadata.strings('a.strings')!;
    expect([...table]).toEqual(['', 'x', 'grün', 'last']);
    expect([table.length, table.at(2), [...table.bytes(1)]]).toEqual([4, 'grün', [0x78]]);
    expect(() => table.at(4)).toThrow(RangeError);
    expect(() => metadata.number('a.string')).toThrow(
      failure('INVALID_FILE', /'a.string' must be a number, got 'grün'/),
    );
  });

  it.each([32, 64, 4096])('places tensors with an alignment of %i', async (alignment) => {
    const file = { ...FILE, alignment, metadata: [['general.alignment', u32(alignment)] as const] };
    const start = ggufHeader(file).length;
    const { tensors } = await readGguf(write(ggufFile(file)));
    const second = start + aligned(12, alignment);
    expect(tensors).toEqual([
      { name: 'first', type: 'F32', shape: [3], rows: 1, columns: 3, offset: start, bytes: 12 },
      { name: 'second', type: 'Q4_0', shape: [5, 64], rows: 5, columns: 64, offset: second, bytes: 180 },
      {
        ...{ name: 'third', type: 'Q6_K', shape: [2, 3, 256], rows: 6, columns: 256, bytes: 1260 },
        offset: second + aligned(180, alignment),
      },
    ]);
  });

  it('needs no padding behind the last tensor, and no tensors at all', async () => {
    const end = BYTES.length - (aligned(1260, 32) - 1260);
    expect((await readGguf(write(BYTES.subarray(0, end)))).tensors).toHaveLength(3);
    const empty = await readGguf(write(ggufFile({ metadata: [], tensors: [] }).subarray(0, 24)));
    expect([empty.tensors.length, empty.metadata.values.size]).toEqual([0, 0]);
  });

  it('reads a vocabulary of 128 thousand, larger than its first window', async () => {
    const words = Array.from({ length: 128_256 }, (_, i) => `token number ${i} of a vocabulary`);
    const path = write(ggufFile({ metadata: [['words', strings(words)]], tensors: TENSORS }));
    const { metadata, tensors } = await readGguf(path);
    expect(tensors).toHaveLength(3);
    expect(metadata.strings('words')?.at(128_255)).toBe(words[128_255]);
  });
});

describe('what is refused', () => {
  it.each<[string, Buffer, ComputeErrorCode, RegExp]>([
    ['another format', Buffer.from('GGML....................'), 'INVALID_FILE', /does not begin with GGUF/],
    ['an empty file', Buffer.alloc(0), 'INVALID_FILE', /expected the magic bytes of 4 bytes, got 0/],
    ['version 1', ggufFile({ ...FILE, version: 1 }), 'UNSUPPORTED', /GGUF of version 1 .*convert the model again/],
    ['version 4', ggufFile({ ...FILE, version: 4 }), 'UNSUPPORTED', /GGUF of version 4/],
    ['big-endian', ggufFile({ ...FILE, version: 3 << 24 }), 'UNSUPPORTED', /big-endian .*gguf_convert_endian/],
    ['too many tensors', changed('GGUF', 4, long(2n ** 40n)), 'INVALID_FILE', /cannot hold 1099511627776 tensors/],
    ['a count of 2^63', changed('GGUF', 4, long(2n ** 63n)), 'INVALID_FILE', /the number of tensors cannot be/],
    ['too many entries', changed('GGUF', 12, long(2n ** 50n)), 'INVALID_FILE', /cannot hold .* metadata entries/],
    ['an unknown type of value', changed('a.u32', 0, word(99)), 'INVALID_FILE', /'a.u32' is of the unknown type 99/],
    ['a list of unknown type', changed('a.floats', 4, word(77)), 'INVALID_FILE', /'a.floats' .*unknown type 77/],
    ['lists of lists', changed('a.floats', 4, word(9)), 'UNSUPPORTED', /'a.floats' is a list of lists/],
    ['a list beyond the end', changed('a.floats', 8, long(2n ** 32n)), 'INVALID_FILE', /truncated.*'a.floats'/],
    ['strings beyond the end', changed('a.strings', 8, long(2n ** 32n)), 'INVALID_FILE', /cannot hold 4294967296 st/],
    ['a string beyond the end', changed('a.string', 4, long(2n ** 33n)), 'INVALID_FILE', /value of 'a.string'/],
    ['no sides', changed('second', 0, word(0)), 'INVALID_FILE', /tensor 'second' cannot have 0 sides/],
    ['five sides', changed('second', 0, word(5)), 'INVALID_FILE', /tensor 'second' cannot have 5 sides/],
    ['a side of 0', changed('second', 4, long(0n)), 'INVALID_FILE', /cannot be of shape 5 x 0/],
    ['too many weights', changed('second', 4, long(2n ** 52n)), 'INVALID_FILE', /'second' cannot be of shape/],
    ['broken blocks', changed('second', 4, long(33n)), 'INVALID_FILE', /Q4_0 cannot have rows of 33: blocks are of 32/],
    ['an unknown type', changed('second', 20, word(4)), 'UNSUPPORTED', /tensor 'second' is of the unknown type 4/],
    ['an offset out of line', changed('second', 24, long(33n)), 'INVALID_FILE', /'second' does not begin at a mult/],
    ['an overlap', changed('second', 24, long(0n)), 'INVALID_FILE', /'first' and 'second' overlap/],
    ['a tensor outside', changed('third', 32, long(2n ** 40n)), 'INVALID_FILE', /truncated: expected tensor 'third'/],
  ])('%s', async (_, bytes, code, message) => {
    await expect(readGguf(write(bytes))).rejects.toEqual(failure(code, message));
  });

  it('keys and names that occur twice', async () => {
    const twice = { ...FILE, metadata: [...FILE.metadata, ['a.u32', u32(1)] as const] };
    await expect(readGguf(write(ggufFile(twice)))).rejects.toEqual(failure('INVALID_FILE', /'a.u32' occurs twice/));
    const tensors = [...TENSORS, TENSORS[0]];
    await expect(readGguf(write(ggufFile({ ...FILE, tensors })))).rejects.toEqual(
      failure('INVALID_FILE', /tensor 'first' occurs twice/),
    );
  });

  it.each([0, 3, 48, 2 ** 30])('an alignment of %i', async (alignment) => {
    const file = { ...FILE, metadata: [['general.alignment', u32(alignment)] as const] };
    await expect(readGguf(write(ggufFile(file)))).rejects.toEqual(failure('INVALID_FILE', /general.alignment must be/));
  });

  it('a path that is none', () => {
    expect(() => readGguf('')).toThrow(TypeError);
  });

  it('a file that ends anywhere', async () => {
    const header = ggufHeader(FILE).length;
    for (let length = 0; length < header; length++)
      await expect(readGguf(write(BYTES.subarray(0, length))), `${length} bytes`).rejects.toEqual(
        failure('INVALID_FILE', /byte \d+: (the file is truncated: expected|the file cannot hold|.* cannot hold)/),
      );
  });
});
