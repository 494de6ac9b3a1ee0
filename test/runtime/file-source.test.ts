// A file's bytes arrive in the tensor as they are, from any offset; errors and aborts leave nothing behind.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ComputeError, FileSource } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';

const MIB = 1024 * 1024;
const FILE_BYTES = 9 * MIB + 777;

const byteAt = (place: number) => (Math.imul(place, 2654435761) >>> 13) & 255;
const contents = Uint8Array.from({ length: FILE_BYTES }, (_, place) => byteAt(place));

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wavetile-file-'));
  path = join(folder, 'bytes.bin');
  await writeFile(path, contents);
});
afterAll(() => rm(folder, { recursive: true }));

/** Written out and dropped from the system's cache, where there is a dd that can. */
function dropFromCache(place: string): void {
  spawnSync('dd', [`of=${place}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0']);
}

describeDevices('a file', (device, kind) => {
  test.each([
    ['all of it', 0, FILE_BYTES, 0],
    ['a single byte', 4095, 1, 0],
    ['its last bytes', FILE_BYTES - 5, 5, 3],
    ['an odd part across slices', 4 * MIB - 3, 4 * MIB + 9, 1],
    ['a part at 2 bytes', 12346, 2 * MIB, 32],
    ['nothing', 100, 0, 0],
  ])('gives %s', async (_, offset, bytes, tensorOffset) => {
    using file = await FileSource.open(path);
    expect(file.bytes).toBe(FILE_BYTES);
    using tensor = await device().tensorFrom(new Uint8Array(bytes + tensorOffset + 7).fill(99));
    await file.load(tensor, { offset, bytes, tensorOffset });
    const read = Buffer.from((await tensor.read()) as Uint8Array);
    expect(read.subarray(tensorOffset, tensorOffset + bytes).equals(contents.subarray(offset, offset + bytes))).toBe(
      true,
    );
    expect([...read.subarray(0, tensorOffset), ...read.subarray(tensorOffset + bytes)]).toEqual(
      Array(tensorOffset + 7).fill(99),
    );
  });

  test('gives several loads at once, into slices too', async () => {
    using file = await FileSource.open(path);
    using tensor = device().tensor('u8', [8 * MIB]);
    const parts = Array.from({ length: 32 }, (_, i) => i);
    await Promise.all(
      parts.map((i) =>
        file.load(tensor.slice(i * (MIB / 4), MIB / 4), { offset: 31 * i + i * (MIB / 4), bytes: MIB / 4 }),
      ),
    );
    const read = Buffer.from((await tensor.read()) as Uint8Array);
    for (const i of parts) {
      const begin = i * (MIB / 4);
      const expected = contents.subarray(begin + 31 * i, begin + 31 * i + MIB / 4);
      expect(read.subarray(begin, begin + MIB / 4).equals(expected), `part ${i}`).toBe(true);
    }
  });

  test('comes from the disk the same', async () => {
    for (const offset of [0, 4097, 513]) {
      dropFromCache(path);
      using file = await FileSource.open(path);
      using tensor = device().tensor('u8', [FILE_BYTES - offset]);
      await file.load(tensor, { offset, bytes: tensor.bytes });
      expect(Buffer.from((await tensor.read()) as Uint8Array).equals(contents.subarray(offset))).toBe(true);
    }
  });

  test('needs little memory: loads wait for it', async () => {
    using limited = await kind.open({ memoryLimitBytes: 24 * MIB });
    using file = await FileSource.open(path);
    using tensor = limited.tensor('u8', [FILE_BYTES]);
    await Promise.all([
      file.load(tensor, { offset: 0, bytes: FILE_BYTES }),
      file.load(tensor, { offset: 0, bytes: FILE_BYTES }),
    ]);
    expect(
      Buffer.from((await tensor.read({ length: 3 * MIB })) as Uint8Array).equals(contents.subarray(0, 3 * MIB)),
    ).toBe(true);
  });

  test('is refused where there is no memory to stage it', async () => {
    using limited = await kind.open({ memoryLimitBytes: 12 * MIB });
    using file = await FileSource.open(path);
    using tensor = limited.tensor('u8', [9 * MIB]);
    const load = file.load(tensor, { offset: 0, bytes: 9 * MIB });
    // Metal shares its memory with the host: a file is read to where it stays.
    if (kind.backend === 'metal') await load;
    else await expect(load).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    await file.load(tensor, { offset: 0, bytes: MIB });
    expect(((await tensor.read({ length: 2 })) as Uint8Array)[1]).toBe(byteAt(1));
  });

  test('that became shorter is an error with its place', async () => {
    const shrinking = join(folder, `shrinking-${kind.backend}`);
    await writeFile(shrinking, contents);
    using file = await FileSource.open(shrinking);
    await truncate(shrinking, 5 * MIB + 11);
    using own = await kind.open();
    using tensor = own.tensor('u8', [FILE_BYTES]);
    const before = own.memory().liveBytes;
    const shorter = file.load(tensor, { offset: 0, bytes: FILE_BYTES });
    await expect(shorter).rejects.toMatchObject({
      code: 'INVALID_FILE',
      message: expect.stringMatching(/shrinking.*byte (5242891|8388608): the file became shorter/),
    });
    await expect(file.load(tensor, { offset: FILE_BYTES, bytes: 1 })).rejects.toMatchObject({ code: 'INVALID_FILE' });
    await expect.poll(() => own.memory().liveBytes).toBe(before);
  });

  test('aborts with nothing left behind', async () => {
    using file = await FileSource.open(path);
    using own = await kind.open();
    using tensor = own.tensor('u8', [FILE_BYTES]);
    const before = own.memory().liveBytes;
    const controller = new AbortController();
    const loads = Array.from({ length: 40 }, () =>
      file.load(tensor, { offset: 0, bytes: FILE_BYTES, signal: controller.signal }),
    );
    const settled = Promise.allSettled(loads);
    controller.abort(new Error('enough'));
    const { reason } = controller.signal;
    expect(await settled).toEqual(Array(40).fill({ status: 'rejected', reason }));
    // A run's memory goes back a moment after its completion.
    await expect.poll(() => own.memory().liveBytes).toBe(before);
    await expect(file.load(tensor, { offset: 0, bytes: 1, signal: controller.signal })).rejects.toThrow('enough');
  });

  test('may be closed, and its device too, while it is loaded', async () => {
    const own = await kind.open();
    const file = await FileSource.open(path);
    const tensor = own.tensor('u8', [FILE_BYTES]);
    const load = file.load(tensor, { offset: 0, bytes: FILE_BYTES });
    file.dispose();
    tensor.dispose();
    own.dispose();
    await load;
    expect(() => file.load(tensor, { offset: 0, bytes: 1 })).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
  });

  test('says what is wrong with arguments', async () => {
    using file = await FileSource.open(path);
    using tensor = device().tensor('u8', [10]);
    expect(() => file.load(tensor, { offset: 0, bytes: 11 })).toThrow(/bytes must be an integer from 0 to 10, got 11/);
    expect(() => file.load(tensor, { offset: -1, bytes: 1 })).toThrow(/offset must be/);
    expect(() => file.load(new Uint8Array(1) as never, { offset: 0, bytes: 1 })).toThrow(/tensor must be a Tensor/);
    expect(() => FileSource.open(7 as never)).toThrow(/path must be/);
    expect(() => file.load(tensor, undefined as never)).toThrow(/options must be an object, got undefined/);
    expect(() => file.load(tensor, null as never)).toThrow(/options must be an object, got null/);
  });
});

test('a file that is not there rejects with what Node says of it', async () => {
  const missing = join(folder, 'missing');
  const error: NodeJS.ErrnoException = await FileSource.open(missing).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'ENOENT', path: missing });
  expect(error.message).toContain(`ENOENT: no such file or directory`);
  expect(error).not.toBeInstanceOf(ComputeError);
});

test.skipIf(process.platform === 'win32')('what is no file is refused, and a pipe is not waited for', async () => {
  const pipe = join(folder, 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  for (const path of [folder, pipe]) {
    const message = `FileSource.open: ${path}: it is not a file`;
    await expect(FileSource.open(path)).rejects.toMatchObject({ name: 'ComputeError', code: 'INVALID_FILE', message });
  }
});
