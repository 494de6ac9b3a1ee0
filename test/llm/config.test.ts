// Configurations: what GGUF metadata and config.json say, in the old and the new form, becomes the same plain data.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { configFromGguf } from '../../src/llm/config-gguf.js';
import { configFromHf } from '../../src/llm/config-hf.js';
import type { ComputeErrorCode } from '../../src/runtime/errors.js';
import { bool, bools, f32, f32s, string, u32, type WrittenValue } from '../support/gguf-writer.js';
import { skipped } from '../support/skipped.js';
import { ggufOf } from './read-gguf.js';
import { MODELS_MISSING, SHARED, SMALL_CONFIG, type SmallGguf, smallGguf } from './small-model.js';

const failure = (code: ComputeErrorCode, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

const fromGguf = async (options: SmallGguf = {}) => configFromGguf(await ggufOf(smallGguf(options)));
const fromHf = (json: Record<string, unknown>) => configFromHf('config.json', { ...SMALL_CONFIG, ...json });

describe('from GGUF', () => {
  it('gives a Llama, whose rope turns neighbours, from its keys', async () => {
    expect(await fromGguf()).toEqual({
      ...{ architecture: 'llama', layers: 2, dimensions: 64, feedForward: 96, heads: 4, kvHeads: 2, headSize: 16 },
      ...{ vocabulary: 8, contextLength: 128, epsilon: Math.fround(1e-5), activation: 'silu' },
      rope: { style: 'interleaved', dims: 16, theta: 10000 },
      ...{ windowLayers: [false, false], attentionScale: 0.25, qkNorm: false, attentionBias: false },
      ...{ postNorms: false, tiedEmbedding: true, embeddingScale: 1, normOffset: 0 },
      ...{ endIds: [1, 6], beginId: 5, addBegin: false },
    });
  });

  it.each<[string, Record<string, WrittenValue>, boolean]>([
    ['as the file says', { 'tokenizer.ggml.add_bos_token': bool(true) }, true],
    ['SentencePiece does', { 'tokenizer.ggml.model': string('llama') }, true],
    ['Llama 3 does', { 'tokenizer.ggml.pre': string('llama-bpe') }, true],
    ['byte-pair encoding does not', {}, false],
    ['never without a token for it', { 'tokenizer.ggml.bos_token_id': u32(0xffffffff) }, false],
  ])('begins a text: %s', async (_, metadata, expected) => {
    expect((await fromGguf({ metadata })).addBegin).toBe(expected);
  });

  it('lets every sixth layer of Gemma 3 see everything, with another theta', async () => {
    const metadata = {
      'gemma3.block_count': u32(7),
      'gemma3.attention.sliding_window': u32(512),
      'gemma3.attention.key_length': u32(32),
      'gemma3.attention.value_length': u32(32),
      'gemma3.rope.freq_base': f32(1e6),
      'gemma3.rope.scaling.type': string('linear'),
      'gemma3.rope.scaling.factor': f32(8),
    };
    expect(await fromGguf({ architecture: 'gemma3', metadata })).toMatchObject({
      ...{ headSize: 32, slidingWindow: 512, windowLayers: [true, true, true, true, true, false, true] },
      rope: { style: 'halves', dims: 32, theta: 1e6, localTheta: 1e4, scaling: { kind: 'linear', factor: 8 } },
      ...{ activation: 'gelu', qkNorm: true, postNorms: true, embeddingScale: 8, normOffset: 0 },
      attentionScale: 1 / Math.sqrt(32),
    });
    const largest = { ...metadata, 'gemma3.block_count': u32(62) };
    const { attentionScale } = await fromGguf({ architecture: 'gemma3', metadata: largest });
    expect(attentionScale).toBe(1 / Math.sqrt(64 / 4));
    const listed = {
      ...metadata,
      'gemma3.attention.sliding_window_pattern': bools([true, false, true, false, true, false, true]),
    };
    const { windowLayers } = await fromGguf({ architecture: 'gemma3', metadata: listed });
    expect(windowLayers).toEqual([true, false, true, false, true, false, true]);
  });

  it('knows biases, a separate output and factors of the rope by which tensors there are', async () => {
    const more = ['output.weight', 'blk.0.attn_q.bias', 'rope_freqs.weight'];
    const tensors: SmallGguf['tensors'] = (all) => [...all, ...more.map((name) => ({ name, type: 'F32', shape: [8] }))];
    expect(await fromGguf({ architecture: 'qwen2', tensors })).toMatchObject({
      ...{ attentionBias: true, tiedEmbedding: false, rope: { style: 'halves', factors: { tensor: more[2] } } },
    });
    const long: SmallGguf['tensors'] = (all) => [...all, { name: 'rope_factors_long.weight', type: 'F32', shape: [8] }];
    const metadata = {
      'phi3.rope.scaling.original_context_length': u32(64),
      'phi3.rope.scaling.attn_factor': f32(1.25),
      'phi3.rope.dimension_count': u32(12),
    };
    expect((await fromGguf({ architecture: 'phi3', metadata, tensors: long })).rope).toEqual({
      ...{ style: 'halves', dims: 12, theta: 10000 },
      scaling: {
        ...{ kind: 'longrope', originalContext: 64, attentionFactor: 1.25 },
        shortFactors: { tensor: 'rope_factors_short.weight' },
        longFactors: { tensor: 'rope_factors_long.weight' },
      },
    });
  });

  it('reads the numbers of YaRN from its keys', async () => {
    const metadata = {
      'qwen3.rope.scaling.type': string('yarn'),
      'qwen3.rope.scaling.factor': f32(4),
      'qwen3.rope.scaling.original_context_length': u32(32),
    };
    expect((await fromGguf({ architecture: 'qwen3', metadata })).rope.scaling).toEqual({
      ...{ kind: 'yarn', factor: 4, originalContext: 32, betaFast: 32, betaSlow: 1 },
      attentionFactor: 0.1 * Math.log(4) + 1,
    });
  });

  it.each<[string, SmallGguf, ComputeErrorCode, RegExp]>([
    ['another architecture', { architecture: 'mamba' }, 'UNSUPPORTED', /'mamba' .*known are llama/],
    ['no architecture', { without: ['general.architecture'] }, 'INVALID_FILE', /'general.architecture' is missing/],
    ['a missing key', { without: ['llama.block_count'] }, 'INVALID_FILE', /'llama.block_count' is missing/],
    ['no layers', { metadata: { 'llama.block_count': u32(0) } }, 'INVALID_FILE', /layers must be .* got 0/],
    ['too many layers', { metadata: { 'llama.block_count': u32(2 ** 31) } }, 'INVALID_FILE', /number of layers/],
    ['heads that do not divide', { metadata: { 'llama.attention.head_count_kv': u32(3) } }, 'INVALID_FILE', /share 3/],
    ['no heads', { metadata: { 'llama.attention.head_count': u32(0) } }, 'INVALID_FILE', /number of heads/],
    ['an odd head', { metadata: { 'llama.attention.head_count': u32(64) } }, 'INVALID_FILE', /cannot turn 1 of 1/],
    [
      'text for a number',
      { metadata: { 'llama.block_count': string('2') } },
      'INVALID_FILE',
      /must be a number, got '2'/,
    ],
    ['no epsilon', { metadata: { 'llama.attention.layer_norm_rms_epsilon': f32(0) } }, 'INVALID_FILE', /epsilon/],
    ['a theta of NaN', { metadata: { 'llama.rope.freq_base': f32(Number.NaN) } }, 'INVALID_FILE', /theta/],
    ['experts', { metadata: { 'llama.expert_count': u32(8) } }, 'UNSUPPORTED', /mixture of experts/],
    ['soft caps', { metadata: { 'llama.attn_logit_softcapping': f32(50) } }, 'UNSUPPORTED', /softcapping/],
    [
      'sizes by layer',
      { metadata: { 'llama.feed_forward_length': f32s([96, 64]) } },
      'UNSUPPORTED',
      /from layer to layer/,
    ],
    ['pooling by class', { metadata: { 'llama.pooling_type': u32(2) } }, 'UNSUPPORTED', /pooling 'cls'/],
    [
      'another rope',
      { metadata: { 'llama.rope.scaling.type': string('x'), 'llama.rope.scaling.factor': f32(2) } },
      'UNSUPPORTED',
      /rope scaling 'x'/,
    ],
  ])('refuses %s', async (_, options, code, message) => {
    await expect(fromGguf(options)).rejects.toEqual(failure(code, message));
  });
});

describe('from config.json', () => {
  it('reads a Llama 3.1 in the old form and in the new one', () => {
    const parameters = {
      ...{ factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 },
      rope_type: 'llama3',
    };
    const old = fromHf({ rope_theta: 5e5, rope_scaling: parameters, eos_token_id: [1, 2, 400] });
    expect(old).toEqual(fromHf({ rope_parameters: { ...parameters, rope_theta: 5e5 }, eos_token_id: [1, 2] }));
    expect(old.endIds).toEqual([1, 2]);
    expect(old.rope).toEqual({
      ...{ style: 'halves', dims: 16, theta: 5e5 },
      scaling: { kind: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64 },
    });
  });

  it('fills in what Gemma 3 inside of a model for images leaves out, nearly all', () => {
    const text = { hidden_size: 2560, intermediate_size: 10240, num_hidden_layers: 12, sliding_window: 1024 };
    const config = configFromHf('config.json', {
      model_type: 'gemma3',
      eos_token_id: [1, 106],
      text_config: { ...text, model_type: 'gemma3_text', rope_scaling: { factor: 8, rope_type: 'linear' } },
    });
    expect(config).toMatchObject({
      ...{ layers: 12, heads: 8, kvHeads: 4, headSize: 256, vocabulary: 262208, contextLength: 131072, epsilon: 1e-6 },
      ...{ slidingWindow: 1024, activation: 'gelu', tiedEmbedding: true, normOffset: 1, attentionScale: 1 / 16 },
      rope: { theta: 1e6, localTheta: 1e4, scaling: { kind: 'linear', factor: 8 } },
      endIds: [1, 106],
    });
    expect(config.windowLayers.flatMap((window, layer) => (window ? [] : [layer]))).toEqual([5, 11]);
    // Transformers 5 lists theta by kind of layer, or leaves it at the top.
    const newer = configFromHf('config.json', {
      ...{ ...text, model_type: 'gemma3_text', rope_theta: 1e6, rope_local_base_freq: 2e4 },
      rope_parameters: {
        full_attention: { factor: 8, rope_type: 'linear' },
        sliding_attention: { rope_type: 'default' },
      },
    });
    expect(newer.rope).toEqual({ ...config.rope, localTheta: 2e4 });
  });

  it('gives windows to all layers, to later ones, to none', () => {
    const window = { num_hidden_layers: 3, sliding_window: 16 };
    expect(fromHf({ ...window, model_type: 'mistral' }).windowLayers).toEqual([true, true, true]);
    expect(fromHf({ ...window, model_type: 'mistral', sliding_window: null }).windowLayers).not.toContain(true);
    const qwen = { ...window, model_type: 'qwen2', max_window_layers: 1 };
    expect(fromHf({ ...qwen, use_sliding_window: true }).windowLayers).toEqual([false, true, true]);
    expect(fromHf({ ...qwen, use_sliding_window: false }).windowLayers).not.toContain(true);
    expect(fromHf({ ...qwen, use_sliding_window: false }).slidingWindow).toBeUndefined();
  });

  it('reads LongRoPE with half of each head turned', () => {
    const [short_factor, long_factor] = [Array(4).fill(1), [1, 2, 3, 4]];
    const config = fromHf({
      ...{ model_type: 'phi3', max_position_embeddings: 1024, original_max_position_embeddings: 64 },
      rope_scaling: { type: 'longrope', short_factor, long_factor },
      partial_rotary_factor: 0.5,
    });
    expect(config.rope).toMatchObject({ dims: 8, scaling: { kind: 'longrope', longFactors: [1, 2, 3, 4] } });
    expect(config.rope.scaling).toMatchObject({ attentionFactor: Math.sqrt(1 + Math.log(16) / Math.log(64)) });
  });

  it('reads the numbers of YaRN from rope_parameters', () => {
    const rope = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32 };
    const scaling = { kind: 'yarn', factor: 4, originalContext: 32, betaFast: 32, betaSlow: 1 };
    const attentionFactor = 0.1 * Math.log(4) + 1;
    expect(fromHf({ rope_scaling: rope }).rope.scaling).toEqual({ ...scaling, attentionFactor });
  });

  it('takes tokens from generation_config.json first, and how a text begins from tokenizer_config.json', () => {
    const json = { ...SMALL_CONFIG, eos_token_id: 2, bos_token_id: 1 };
    expect(configFromHf('', json)).toMatchObject({ endIds: [2], beginId: 1 });
    expect(configFromHf('', json).addBegin).toBeUndefined();
    const files = { generation: { eos_token_id: [3, 4] }, tokenizer: { add_bos_token: true } };
    expect(configFromHf('', json, files)).toMatchObject({ endIds: [3, 4], beginId: 1, addBegin: true });
    expect(configFromHf('', json, { pooling: { pooling_mode_lasttoken: true } }).pooling).toBe('last');
  });

  it.each<[string, Record<string, unknown>, ComputeErrorCode, RegExp]>([
    ['another type', { model_type: 'mamba' }, 'UNSUPPORTED', /type 'mamba' .*known are llama/],
    ['AWQ', { quantization_config: { quant_method: 'awq' } }, 'UNSUPPORTED', /quantized by awq .*GGUF/],
    ['a missing size', { hidden_size: null }, 'INVALID_FILE', /'hidden_size' is missing/],
    ['text for a number', { hidden_size: '64' }, 'INVALID_FILE', /'hidden_size' must be a number/],
    ['half a layer', { num_hidden_layers: 1.5 }, 'INVALID_FILE', /layers .* got 1.5/],
    ['an exact gelu', { hidden_act: 'gelu' }, 'UNSUPPORTED', /activation 'gelu'/],
    ['biases', { attention_bias: true }, 'UNSUPPORTED', /'attention_bias'/],
    ['soft caps', { final_logit_softcapping: 30 }, 'UNSUPPORTED', /'final_logit_softcapping'/],
    ['a dynamic rope', { rope_scaling: { type: 'dynamic', factor: 2 } }, 'UNSUPPORTED', /rope of type 'dynamic'/],
    ['a factor of 0', { rope_scaling: { type: 'linear', factor: 0 } }, 'INVALID_FILE', /factor must be a positive/],
    [
      'too few factors',
      { rope_scaling: { type: 'su', short_factor: [1], long_factor: [1] } },
      'INVALID_FILE',
      /needs 8/,
    ],
    ['other layers', { sliding_window: 4, layer_types: ['linear_attention'] }, 'UNSUPPORTED', /'linear_attention'/],
    ['too few layers', { sliding_window: 4, layer_types: [] }, 'INVALID_FILE', /'layer_types' must have 1 values/],
  ])('refuses %s', (_, json, code, message) => {
    expect(() => fromHf(json)).toThrow(failure(code, message));
  });
});

describe.skipIf(MODELS_MISSING)(`folders beside the checkout${skipped(MODELS_MISSING)}`, () => {
  const read = (name: string) => {
    const path = join(SHARED, 'data/architectures', name, 'config.json');
    return configFromHf(path, JSON.parse(readFileSync(path, 'utf8')));
  };
  const common = { layers: 4, dimensions: 128, feedForward: 320, heads: 4, kvHeads: 2, vocabulary: 512, endIds: [2] };

  it.each([
    [
      'llama3',
      { headSize: 64, epsilon: 1e-5, rope: { theta: 5e5, scaling: { kind: 'llama3', originalContext: 256 } } },
    ],
    ['mistral', { architecture: 'mistral', slidingWindow: 24, windowLayers: [true, true, true, true] }],
    ['qwen2', { headSize: 32, attentionBias: true, tiedEmbedding: true, windowLayers: [false, false, false, false] }],
    ['qwen3', { headSize: 64, qkNorm: true, attentionBias: false, tiedEmbedding: true }],
    ['gemma3', { slidingWindow: 24, windowLayers: [true, true, false, true], rope: { theta: 1e6, localTheta: 1e4 } }],
    ['phi3', { headSize: 32, tiedEmbedding: false, rope: { style: 'halves', dims: 32, theta: 1e4 } }],
  ])('%s', (name, expected) => expect(read(name)).toMatchObject({ ...common, ...expected }));
});
