// Models on disk: tensors by what they are for, from GGUF and from Hugging Face folders, whole or in parts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ModelFile } from '../../src/llm/model-file.js';
import type { ComputeErrorCode } from '../../src/runtime/errors.js';
import { writeRandomGguf } from '../bench/random-gguf.js';
import { ggufFile, string, u32, type WrittenTensor } from '../support/gguf-writer.js';
import { skipped } from '../support/skipped.js';
import {
  MODELS_MISSING,
  SHARED,
  SMALL_CONFIG,
  SMALL_TENSORS,
  type SmallGguf,
  safetensors,
  smallGguf,
  writeFolder,
} from './small-model.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-model-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let names = 0;
const place = (extension = '') => join(folder, `model-${names++}${extension}`);

function gguf(options: SmallGguf = {}): string {
  const path = place('.gguf');
  writeFileSync(path, ggufFile(smallGguf(options)));
  return path;
}

const failure = (code: ComputeErrorCode, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

/** The error of opening a model and asking for all its tensors. */
async function failureOf(path: string): Promise<unknown> {
  try {
    (await ModelFile.open(path)).tensors();
  } catch (error) {
    return error;
  }
  throw new Error(`${path} opens`);
}

const replaced =
  (name: string, change: Partial<WrittenTensor>) =>
  (tensors: WrittenTensor[]): WrittenTensor[] =>
    tensors.map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor));

describe('GGUF', () => {
  it('gives its tensors by what they are for', async () => {
    const metadata = { 'general.license': string('mit'), 'tokenizer.chat_template': string('{{ x }}') };
    const path = gguf({ metadata });
    const file = await ModelFile.open(path);
    expect(file).toMatchObject({ kind: 'gguf', path, name: 'small', license: 'mit', chatTemplate: '{{ x }}' });
    expect(file.tokenizer?.kind).toBe('gguf');
    const { embedding, output, layers } = file.tensors();
    expect(output).toBe(embedding);
    expect(layers[1].down).toMatchObject({ name: 'blk.1.ffn_down.weight', type: 'Q8_0', path, rows: 64, columns: 96 });
    expect(layers[1].qBias).toBeUndefined();
    expect(await file.read(layers[0].k)).toEqual(new Uint8Array(32 * 64 * (34 / 32)));
    await file.close();
  });

  it('takes fused matrices apart', async () => {
    const data = Buffer.alloc(128 * 68, 1)
      .fill(2, 64 * 68, 96 * 68)
      .fill(3, 96 * 68);
    const tensors = (all: WrittenTensor[]) => [
      ...all.filter(({ name }) => !/attn_[qkv]\.|ffn_(gate|up)/.test(name)),
      ...[0, 1].flatMap((index) => [
        { name: `blk.${index}.attn_qkv.weight`, type: 'Q8_0', shape: [128, 64], data },
        { name: `blk.${index}.ffn_up.weight`, type: 'Q8_0', shape: [192, 64] },
      ]),
    ];
    const file = await ModelFile.open(gguf({ architecture: 'phi3', tensors }));
    const { q, k, v, gate, up } = file.tensors().layers[1];
    expect([q.rows, k.rows, v.rows, gate.rows, up.rows]).toEqual([64, 32, 32, 96, 96]);
    for (const [index, part] of [q, k, v].entries())
      expect(await file.read(part)).toEqual(new Uint8Array(part.rows * 68).fill(index + 1));
    expect(up.offset).toBe(gate.offset + gate.bytes);
    await file.close();
  });

  it('reads a model in parts', async () => {
    const base = place();
    const part = (index: number) => `${base}-0000${index}-of-00002.gguf`;
    const whole = smallGguf({ metadata: { 'split.count': u32(2), 'split.no': u32(0) } });
    const second = { metadata: [['split.no', u32(1)] as const, ['split.count', u32(2)] as const] };
    writeFileSync(part(1), ggufFile({ ...whole, tensors: whole.tensors.slice(0, 5) }));
    await expect(ModelFile.open(part(1))).rejects.toMatchObject({ code: 'ENOENT' });
    writeFileSync(part(2), ggufFile({ ...second, tensors: whole.tensors.slice(5) }));
    const { embedding, layers } = (await ModelFile.open(part(1))).tensors();
    expect([embedding.path, layers[1].up.path]).toEqual([part(1), part(2)]);
    await expect(ModelFile.open(part(2))).rejects.toEqual(failure('UNSUPPORTED', /later part .*-00001-of-00002.gguf/));
  });

  it.each<[string, SmallGguf, ComputeErrorCode, RegExp]>([
    [
      'a missing tensor',
      { tensors: (all) => all.slice(0, -1) },
      'INVALID_FILE',
      /'blk.1.ffn_down.weight' of shape 64 x 96 is/,
    ],
    [
      'a wrong shape',
      { tensors: replaced('blk.0.attn_k.weight', { shape: [64, 32] }) },
      'INVALID_FILE',
      /'blk.0.attn_k.weight' must be of shape 32 x 64, got 64 x 32/,
    ],
    [
      'a wrong norm',
      { tensors: replaced('output_norm.weight', { shape: [32] }) },
      'INVALID_FILE',
      /must be of shape 64, got 1 x 32/,
    ],
    [
      'a quantized norm',
      { tensors: replaced('blk.1.attn_norm.weight', { type: 'Q8_0' }) },
      'UNSUPPORTED',
      /must be one of F32, F16, BF16, got Q8_0/,
    ],
    ['a type not loaded', { type: 'IQ4_NL' }, 'UNSUPPORTED', /'token_embd.weight' is of type IQ4_NL .*Q4_0/],
    [
      'norms of queries',
      { architecture: 'qwen3' },
      'INVALID_FILE',
      /'blk.0.attn_q_norm.weight' of shape 16 is missing/,
    ],
    [
      'a tensor too many',
      { tensors: (all) => [...all, { name: 'blk.0.attn_output.bias', type: 'F32', shape: [64] }] },
      'UNSUPPORTED',
      /'blk.0.attn_output.bias' is no part of a llama model/,
    ],
    [
      'a layer too many',
      { metadata: { 'llama.block_count': u32(1) } },
      'UNSUPPORTED',
      /'blk.1.attn_norm.weight' is no part/,
    ],
  ])('refuses %s', async (_, options, code, message) => {
    expect(await failureOf(gguf(options))).toEqual(failure(code, message));
  });

  it('of random weights has the shapes of the real model and no zeros', async () => {
    const path = place('.gguf');
    for (const type of ['q4_0', 'q8_0', 'f16'] as const) {
      writeRandomGguf(path, 'tiny', type);
      const file = await ModelFile.open(path);
      const { layers } = file.tensors();
      expect(layers).toHaveLength(4);
      const bytes = await file.read(layers[2].v);
      const zeros = bytes.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
      expect(zeros / bytes.length).toBeLessThan(0.02);
      await file.close();
    }
  });
});

describe('a Hugging Face folder', () => {
  it('opens by its path and by that of its weights', async () => {
    const path = writeFolder(place(), {
      'tokenizer.json': {},
      'tokenizer_config.json': { chat_template: [{ name: 'default', template: 'T' }], add_bos_token: false },
      'generation_config.json': { eos_token_id: [1, 2], bos_token_id: 3 },
    });
    for (const given of [path, join(path, 'model.safetensors')]) {
      const file = await ModelFile.open(given);
      expect(file).toMatchObject({ kind: 'hugging-face', name: basename(path), chatTemplate: 'T' });
      expect(file.config).toMatchObject({ endIds: [1, 2], beginId: 3, addBegin: false });
      expect(file.tokenizer).toMatchObject({ kind: 'json', path: join(path, 'tokenizer.json') });
      const { embedding, layers } = file.tensors();
      expect(embedding).toMatchObject({ type: 'BF16', rows: 8, columns: 64, bytes: 1024 });
      expect((await file.read(layers[0].ffnNorm)).length).toBe(128);
      await file.close();
    }
  });

  it('prefers chat_template.jinja', async () => {
    const files = { 'chat_template.jinja': 'J', 'tokenizer_config.json': { chat_template: 'T' } };
    expect((await ModelFile.open(writeFolder(place(), files))).chatTemplate).toBe('J');
  });

  it('reads shards, and finds a text model inside of one for images', async () => {
    const config = { ...SMALL_CONFIG, tie_word_embeddings: false };
    const entries = Object.entries(SMALL_TENSORS).map(
      ([name, spec]) => [`language_${name}`.replace('_model', '_model.model'), spec] as const,
    );
    const head = ['language_model.lm_head.weight', { dtype: 'BF16', shape: [8, 64] }] as const;
    const parts = [Object.fromEntries(entries.slice(0, 4)), Object.fromEntries([...entries.slice(4), head])];
    const map = parts.flatMap((part, index) => Object.keys(part).map((name) => [name, `part-${index}.safetensors`]));
    const path = writeFolder(place(), {
      ...{ 'config.json': config, 'model.safetensors': undefined },
      ...{ 'part-0.safetensors': safetensors(parts[0]), 'part-1.safetensors': safetensors(parts[1]) },
      'model.safetensors.index.json': { weight_map: Object.fromEntries(map) },
    });
    const { output, layers } = (await ModelFile.open(path)).tensors();
    expect([output.path, layers[0].q.path]).toEqual([1, 0].map((index) => join(path, `part-${index}.safetensors`)));
  });

  const index = (file: unknown) => ({
    'model.safetensors': undefined,
    'model.safetensors.index.json': { weight_map: { 'model.norm.weight': file } },
  });
  it.each<[string, Record<string, unknown>, ComputeErrorCode, RegExp]>([
    ['a folder without config.json', { 'config.json': undefined }, 'INVALID_FILE', /config.json is missing/],
    ['broken JSON', { 'config.json': '{' }, 'INVALID_FILE', /config.json: not JSON/],
    ['a list', { 'config.json': '[]' }, 'INVALID_FILE', /config.json: must be an object/],
    ['no weights', { 'model.safetensors': undefined }, 'INVALID_FILE', /neither model.safetensors nor/],
    ['a path upwards', index('../model.safetensors'), 'INVALID_FILE', /must be in a file beside it, got '..\/model/],
    ['a path of Windows', index('..\\x.safetensors'), 'INVALID_FILE', /must be in a file beside it/],
    ['a path from the root', index('/etc/passwd'), 'INVALID_FILE', /must be in a file beside it, got '\/etc/],
    ['the folder above', index('..'), 'INVALID_FILE', /must be in a file beside it/],
    ['a number for a file', index(3), 'INVALID_FILE', /must be in a file beside it, got '3'/],
    ['a missing shard', index('gone.safetensors'), 'INVALID_FILE', /index.json: gone.safetensors is missing/],
    [
      'a shard without it',
      { ...index('a.safetensors'), 'a.safetensors': safetensors({}) },
      'INVALID_FILE',
      /'model.norm.weight' is not in a.safe/,
    ],
    [
      'integers',
      {
        'model.safetensors': safetensors({
          ...SMALL_TENSORS,
          'model.embed_tokens.weight': { dtype: 'I32', shape: [8, 64] },
        }),
      },
      'UNSUPPORTED',
      /'model.embed_tokens.weight' is of type I32/,
    ],
  ])('refuses %s', async (_, files, code, message) => {
    expect(await failureOf(writeFolder(place(), files))).toEqual(failure(code, message));
  });
});

describe('ModelFile.open', () => {
  it('refuses what is no path, and what is not there', async () => {
    expect(() => ModelFile.open('')).toThrow(TypeError);
    await expect(ModelFile.open(place('.gguf'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe.skipIf(MODELS_MISSING)(`models beside the checkout${skipped(MODELS_MISSING)}`, () => {
  it.each([
    ['data/architectures/gemma3', 'postFfnNorm'],
    ['data/architectures/llama3', 'q'],
    ['data/architectures/mistral', 'up'],
    ['data/architectures/phi3', 'gate'],
    ['data/architectures/qwen2', 'vBias'],
    ['data/architectures/qwen3', 'kNorm'],
    ['data/stories260K/stories260K.gguf', 'v'],
    ['models/demo-lm-7m-f16.gguf', 'q'],
    ['models/demo-lm-7m-q8_0.gguf', 'q'],
    ['models/demo-lm-7m-q4_0.gguf', 'q'],
    ['models/demo-draft-1m-f16.gguf', 'q'],
    ['models/demo-embed-7m-q8_0.gguf', 'q'],
  ] as const)('%s', async (path, role) => {
    const file = await ModelFile.open(join(SHARED, path));
    const { layers } = file.tensors();
    expect(layers).toHaveLength(file.config.layers);
    const tensor = layers.at(-1)?.[role];
    expect(tensor && (await file.read(tensor)).some((byte) => byte !== 0)).toBe(true);
    await file.close();
  });

  it('knows pooling, license and a small vocabulary', async () => {
    const embed = await ModelFile.open(join(SHARED, 'models/demo-embed-7m-q8_0.gguf'));
    expect(embed).toMatchObject({ license: 'CC0-1.0', config: { pooling: 'mean', beginId: 0, endIds: [0] } });
    const stories = await ModelFile.open(join(SHARED, 'data/stories260K/stories260K.gguf'));
    expect(stories.config).toMatchObject({ headSize: 8, rope: { dims: 8, theta: 10000 }, addBegin: true, endIds: [2] });
  });
});
