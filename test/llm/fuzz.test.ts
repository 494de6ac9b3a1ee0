// Damaged model files: thousands of seeded mutations, after each of which only a ComputeError may come out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ModelFile } from '../../src/llm/model-file.js';
import { ComputeError } from '../../src/runtime/errors.js';
import { bools, ggufFile, ggufHeader, string, u64 } from '../support/gguf-writer.js';
import { Random } from '../support/random.js';
import { SMALL_CONFIG, SMALL_TENSORS, safetensors, smallGguf, writeFolder } from './small-model.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MOST_BYTES = 64 << 20;

/** Opens the model and asks for everything; what comes out has to be a model or one of two errors. */
async function attempt(path: string, what: string): Promise<'opened' | 'refused'> {
  const before = process.memoryUsage().arrayBuffers;
  try {
    const file = await ModelFile.open(path);
    await file.close();
    for (const id of file.config.endIds) expect(id, what).toBeLessThan(file.config.vocabulary);
    if (file.tokenizer?.kind === 'gguf')
      for (const _ of file.tokenizer.metadata.strings('tokenizer.ggml.tokens') ?? []);
    file.tensors();
    return 'opened';
  } catch (error) {
    if (!(error instanceof ComputeError)) throw new Error(`${what}: ${error}`, { cause: error });
    expect(['INVALID_FILE', 'UNSUPPORTED'], `${what}: ${error.message}`).toContain(error.code);
    return 'refused';
  } finally {
    expect(process.memoryUsage().arrayBuffers - before, what).toBeLessThan(MOST_BYTES);
  }
}

/** Bytes that have often been trouble, at one place of the first `length` bytes. */
function mutate(bytes: Buffer, length: number, random: Random): string {
  const at = random.below(length);
  const kind = random.below(4);
  if (kind === 0) bytes[at] ^= 1 << random.below(8);
  if (kind === 1) bytes[at] = [0, 0x7f, 0x80, 0xff, 0x22, 0x7b][random.below(6)];
  if (kind === 2) bytes.fill(0xff, at, Math.min(length, at + [4, 7, 8][random.below(3)]));
  if (kind === 3) bytes.set(bytes.subarray(random.below(length), random.below(length)).subarray(0, length - at), at);
  return `mutation ${kind} at ${at}`;
}

/** Counts of what became of `rounds` files with one to three mutations. */
async function fuzz(path: string, bytes: Buffer, length: number, rounds: number) {
  const random = new Random(rounds);
  const outcomes = { opened: 0, refused: 0 };
  for (let round = 0; round < rounds; round++) {
    const copy = Buffer.from(bytes);
    const done = Array.from({ length: 1 + random.below(3) }, () => mutate(copy, length, random));
    writeFileSync(path, copy);
    outcomes[await attempt(path.endsWith('.json') ? folder : path, `round ${round}: ${done.join(', ')}`)]++;
  }
  return outcomes;
}

describe('GGUF', () => {
  const model = smallGguf({
    type: 'Q4_0',
    metadata: { 'some.number': u64(2n ** 50n), 'some.flags': bools([true, false]), 'some.text': string('ü'.repeat(9)) },
  });
  const bytes = ggufFile(model);
  const header = ggufHeader(model).length;
  const path = join(folder, 'model.gguf');

  it('opens or is refused, however its header is mutated', async () => {
    const outcomes = await fuzz(path, bytes, header, 1500);
    expect(outcomes.opened).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(1000);
  });

  it('is refused wherever it is truncated', async () => {
    for (let length = 0; length < bytes.length; length += length < header ? 5 : 9973) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(await attempt(path, `${length} bytes`)).toBe('refused');
    }
  });

  it('opens or is refused with any word of its header as large as can be', async () => {
    const values = [0xffffffffffffffffn, 0x7fffffffffffffffn, 0x1fffffffffffffn];
    for (let at = 0; at < header; at += 2) {
      const copy = Buffer.from(bytes);
      copy.writeBigUInt64LE(values[(at / 2) % 3], at);
      writeFileSync(path, copy);
      await attempt(path, `a large number at ${at}`);
    }
  });
});

describe('a Hugging Face folder', () => {
  const bytes = safetensors(SMALL_TENSORS);
  const header = 8 + Number(bytes.readBigUInt64LE(0));
  const path = join(folder, 'model.safetensors');

  it('opens or is refused with weights mutated and truncated', async () => {
    writeFolder(folder);
    const outcomes = await fuzz(path, bytes, header, 1500);
    expect(outcomes.refused).toBeGreaterThan(700);
    for (let length = 0; length < header + 300; length += 7) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(await attempt(path, `${length} bytes`)).toBe('refused');
    }
  });

  it('opens or is refused with config.json mutated', async () => {
    writeFolder(folder);
    const extra = { sliding_window: 16, rope_parameters: { rope_type: 'llama3', factor: 8, low_freq_factor: 1 } };
    const text = Buffer.from(JSON.stringify({ ...SMALL_CONFIG, ...extra, eos_token_id: [1, 2] }));
    const outcomes = await fuzz(join(folder, 'config.json'), text, text.length, 1000);
    expect(outcomes.refused).toBeGreaterThan(500);
  });

  it('opens or is refused with every value of config.json of another kind', async () => {
    const values = [null, -1, 0, 1e300, 0.5, 2 ** 53, '', 'x', true, [], [null], {}, { a: 1 }];
    const keys = [...Object.keys(SMALL_CONFIG), 'rope_parameters', 'rope_scaling', 'layer_types', 'sliding_window'];
    keys.push('eos_token_id', 'head_dim', 'text_config', 'quantization_config', 'rope_theta', 'hidden_act');
    for (const type of ['qwen2', 'gemma3', 'phi3'])
      for (const key of keys)
        for (const value of values) {
          const json = { ...SMALL_CONFIG, model_type: type, sliding_window: 4, [key]: value };
          writeFileSync(join(folder, 'config.json'), JSON.stringify(json));
          await attempt(folder, `${type}: ${key} = ${JSON.stringify(value)}`);
        }
  });
});
