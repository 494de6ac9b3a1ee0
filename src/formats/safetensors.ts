// Safetensors files of float32 tensors: a JSON header with names, shapes and text metadata, then the numbers.
import { crc32 } from 'node:zlib';
import { writeAtomically } from '../runtime/atomic-file.js';
import { allocate, bytesOf } from './bytes.js';
import { checkPath, SLICE_BYTES, withInputFile } from './input-file.js';
import { readSafetensorsHeader } from './safetensors-header.js';

export interface SafeTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface SafeTensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SafeTensor>;
}

const PREFIX_BYTES = 8;
const CHECKSUM = 'crc32';

async function readAll(path: string): Promise<SafeTensors> {
  return withInputFile(path, async (file) => {
    const { metadata, entries, dataStart } = await readSafetensorsHeader(file);
    const tensors = new Map<string, SafeTensor>();
    let checksum = 0;
    for (const { name, dtype, shape, offset, bytes } of entries) {
      if (dtype !== 'F32') throw file.invalid(offset, `tensor '${name}' must be of type F32, got ${dtype}`);
      const data = allocate(path, Float32Array, bytes / 4);
      await file.read(bytesOf(data), offset, `tensor '${name}'`);
      checksum = crc32(bytesOf(data), checksum);
      tensors.set(name, { shape, data });
    }
    const expected = metadata[CHECKSUM];
    if (expected !== undefined && expected !== checksum.toString(16))
      throw file.invalid(dataStart, 'the file is damaged: the checksum of its tensors does not match');
    return { metadata, tensors };
  });
}

/**
 * Reads all tensors of a safetensors file; every one must be F32.
 *
 * @throws ComputeError `INVALID_FILE` where the file is truncated, damaged or not of that format.
 */
export function readSafetensors(path: string): Promise<SafeTensors> {
  return readAll(checkPath('readSafetensors', path));
}

/** Writes float32 tensors with text metadata and a checksum; the file appears complete or not at all. */
export function writeSafetensors(path: string, content: SafeTensors, signal?: AbortSignal): Promise<void> {
  checkPath('writeSafetensors', path);
  const header: Record<string, unknown> = {};
  let at = 0;
  let checksum = 0;
  for (const [name, { shape, data }] of content.tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
    checksum = crc32(bytesOf(data), checksum);
  }
  const metadata = { ...content.metadata, [CHECKSUM]: checksum.toString(16) };
  const text = Buffer.from(JSON.stringify({ __metadata__: metadata, ...header }));
  const json = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeBigUInt64LE(BigInt(json.length));
  const write = async (file: { append(bytes: Uint8Array): Promise<void> }) => {
    await file.append(Buffer.concat([prefix, json]));
    for (const { data } of content.tensors.values()) {
      const bytes = bytesOf(data);
      for (let done = 0; done < bytes.length; done += SLICE_BYTES)
        await file.append(bytes.subarray(done, done + SLICE_BYTES));
    }
  };
  return writeAtomically(path, write, signal);
}
