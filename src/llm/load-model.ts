// From a path to everything that a LanguageModel is made of: files, tokenizer, template, weights.
import { readJson } from '../formats/json-file.js';
import { testMatrixUnits } from '../kernels/matrix-units.js';
import { type RopeTableScaling, ropeTable } from '../nn/rope.js';
import { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import {
  checkFunction,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkString,
  describe,
} from '../runtime/validate.js';
import { ChatTemplate } from './chat-template.js';
import type { Architecture, ModelConfig, RopeFactors } from './config.js';
import { kvCacheBytes, PAGE_TOKENS, pagesFor } from './kv-cache.js';
import type { ModelWeights } from './layers.js';
import { numbersOfTensor } from './load-vectors.js';
import { type LoadedWeights, type LoadPlan, type LoadProgress, loadingBytes, loadWeights } from './loader.js';
import { checkMemory, plannedWeightBytes } from './memory-plan.js';
import { ModelFile } from './model-file.js';
import { assemble, loadPlan, type Quantize, type RopeTables } from './model-weights.js';
import type { TokenizerJson } from './tokenizer/from-json.js';
import { Tokenizer } from './tokenizer/tokenizer.js';
import { chunkRowsOf, logitRowsOf } from './transformer.js';

export interface ModelLoadOptions {
  /** Default: the best one, which the model then owns. */
  device?: Device;
  /** Tokens of a text at most, its prompt included. Default: what the model was made for, 4096 at most. */
  context?: number;
  /** Texts that can grow at a time, each with a context of its own; others wait. Default 1. */
  sequences?: number;
  /** What plain numbers of the file become; what is quantized already stays as it is. Default 'none'. */
  quantize?: Quantize;
  /** Weights that share a scale, where they are quantized here. Default 32. */
  group?: 32 | 64 | 128;
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
}

export interface ModelInfo {
  readonly path: string;
  readonly name: string;
  readonly architecture: Architecture;
  readonly license?: string | undefined;
  readonly layers: number;
  readonly dimensions: number;
  readonly vocabulary: number;
  /** Tokens that the model was made for. */
  readonly contextLength: number;
  /** Tokens that a text may have here. */
  readonly context: number;
  readonly parameters: number;
  /** On the device. */
  readonly weightBytes: number;
  readonly cacheBytes: number;
  /** Tokens that end a text. */
  readonly endIds: readonly number[];
  readonly pooling?: 'mean' | 'last' | undefined;
  readonly loadMs: number;
}

export interface LoadedModel {
  readonly device: Device;
  readonly ownsDevice: boolean;
  readonly info: ModelInfo;
  readonly tokenizer: Tokenizer | undefined;
  readonly template: () => ChatTemplate;
  readonly weights: ModelWeights;
  readonly shape: { readonly config: ModelConfig; readonly context: number; readonly sequences: number };
}

const KEYS = ['device', 'context', 'sequences', 'quantize', 'group', 'signal', 'onProgress'];
const DEFAULT_CONTEXT = 4096;
const MOST_SEQUENCES = 64;

function checkLoadOptions(where: string, path: string, options: ModelLoadOptions): void {
  checkString(where, 'path', path);
  checkOptions(where, options, KEYS);
  const { device, context, sequences, quantize, group, onProgress } = options;
  if (device !== undefined && !(device instanceof Device))
    throw new TypeError(`${where}: device must be a Device, got ${describe(device)}`);
  if (context !== undefined) checkInteger(where, 'context', context, { min: 1, max: 2 ** 24 });
  if (sequences !== undefined) checkInteger(where, 'sequences', sequences, { min: 1, max: MOST_SEQUENCES });
  if (quantize !== undefined) checkOneOf(where, 'quantize', quantize, ['none', 'int8', 'int4'] as const);
  if (group !== undefined) checkOneOf(where, 'group', group, [32, 64, 128] as const);
  if (onProgress !== undefined) checkFunction(where, 'onProgress', onProgress);
  checkSignal(where, options.signal);
}

/** Checks at once; `make` builds the model from what was loaded. */
export function loadModel<T>(path: string, options: ModelLoadOptions, make: (loaded: LoadedModel) => T): Promise<T> {
  checkLoadOptions('LanguageModel.load', path, options);
  return openDevice(path, options, make);
}

async function openDevice<T>(path: string, options: ModelLoadOptions, make: (loaded: LoadedModel) => T): Promise<T> {
  options.signal?.throwIfAborted();
  const file = await ModelFile.open(path);
  try {
    const device = options.device ?? (await Device.open());
    try {
      return await loadFile(file, { ...options, device }, (loaded) =>
        make({ ...loaded, ownsDevice: options.device === undefined }),
      );
    } catch (error) {
      if (!options.device) device.dispose();
      throw error;
    }
  } finally {
    await file.close();
  }
}

async function tokenizerOf({ tokenizer }: ModelFile): Promise<Tokenizer | undefined> {
  if (!tokenizer) return undefined;
  if (tokenizer.kind === 'gguf') return Tokenizer.fromGguf(tokenizer.metadata);
  return Tokenizer.fromJson((await readJson(tokenizer.path)) as unknown as TokenizerJson, tokenizer.config);
}

function templateOf(file: ModelFile, tokenizer: Tokenizer | undefined): () => ChatTemplate {
  let template: ChatTemplate | undefined;
  const spelled = (id: number | undefined) =>
    tokenizer && id !== undefined ? tokenizer.decode([id], { special: true }) : '';
  return () => {
    template ??= ChatTemplate.from(file.chatTemplate, {
      bosToken: spelled(tokenizer?.bosId),
      eosToken: spelled(tokenizer?.eosId),
    });
    return template;
  };
}

async function factorsOf(file: ModelFile, factors: RopeFactors): Promise<ArrayLike<number>> {
  if (!('tensor' in factors)) return factors;
  const source = file.tensor(factors.tensor);
  return numbersOfTensor(source, await file.read(source));
}

async function scalingOf(file: ModelFile): Promise<RopeTableScaling | undefined> {
  const { scaling } = file.config.rope;
  if (scaling?.kind !== 'longrope') return scaling;
  const [shortFactors, longFactors] = await Promise.all(
    [scaling.shortFactors, scaling.longFactors].map((one) => factorsOf(file, one)),
  );
  return { ...scaling, shortFactors, longFactors };
}

async function ropeTables(device: Device, file: ModelFile, positions: number): Promise<RopeTables> {
  const { dims, theta, localTheta, factors } = file.config.rope;
  const upload = async (options: Parameters<typeof ropeTable>[0]): Promise<Tensor> =>
    device.tensorFrom(ropeTable(options));
  const scaling = await scalingOf(file);
  const global = await upload({
    dims,
    positions,
    theta,
    scaling,
    factors: factors && (await factorsOf(file, factors)),
  });
  const local = localTheta === undefined ? global : await upload({ dims, positions, theta: localTheta });
  return { global, local };
}

function workingBytes(
  device: Device,
  { dimensions, feedForward, vocabulary, heads, headSize }: ModelConfig,
  context: number,
): number {
  const rows = chunkRowsOf(device);
  const numbers =
    rows * (8 * dimensions + 3 * feedForward + 4 * heads * headSize) + logitRowsOf(device, vocabulary) * vocabulary;
  return 4 * (numbers + 2 * context * headSize);
}

function checkFits(device: Device, config: ModelConfig, plan: LoadPlan, tokens: number): void {
  const { layers, kvHeads, headSize } = config;
  checkMemory(device, {
    weights: plannedWeightBytes(plan),
    kvPerToken: kvCacheBytes({ layers, kvHeads, headSize, tokens: PAGE_TOKENS }) / PAGE_TOKENS,
    tokens,
    working: workingBytes(device, config, tokens),
    loading: loadingBytes(device, plan),
    quantizable: plan.matrices.some(({ shape }) => shape.scaling === 'none'),
  });
}

type Unowned = Omit<LoadedModel, 'ownsDevice'>;

async function loadFile<T>(
  file: ModelFile,
  options: ModelLoadOptions & { device: Device },
  make: (loaded: Unowned) => T,
): Promise<T> {
  const begin = performance.now();
  const { config, name, license, path } = file;
  const { device, sequences = 1, quantize = 'none', group, signal, onProgress } = options;
  const context = options.context ?? Math.min(config.contextLength, DEFAULT_CONTEXT);
  const plan = loadPlan(file.tensors(), config, { quantize, ...(group && { group }) });
  const tokens = pagesFor(context) * PAGE_TOKENS * sequences;
  checkFits(device, config, plan, tokens);
  const tokenizer = await tokenizerOf(file);
  await testMatrixUnits(device);
  const ropes = await ropeTables(device, file, context);
  let loaded: LoadedWeights | undefined;
  try {
    loaded = await loadWeights(device, plan, { signal, onProgress });
    const { architecture, layers, kvHeads, headSize, dimensions, vocabulary, contextLength, endIds, pooling } = config;
    const parameters = plan.matrices
      .flatMap(({ parts }) => parts)
      .reduce((sum, { source }) => sum + source.rows * source.columns, 0);
    const cacheBytes = kvCacheBytes({ layers, kvHeads, headSize, tokens });
    const shape = { path, name, architecture, license, layers, dimensions, vocabulary, contextLength, context };
    const info = {
      ...shape,
      parameters,
      weightBytes: loaded.bytes,
      cacheBytes,
      endIds,
      pooling,
      loadMs: performance.now() - begin,
    };
    const weights = assemble(loaded, config, ropes);
    return make({
      device,
      info,
      tokenizer,
      template: templateOf(file, tokenizer),
      weights,
      shape: { config, context, sequences },
    });
  } catch (error) {
    loaded?.dispose();
    for (const table of [ropes.global, ropes.local]) table.dispose();
    throw error;
  }
}
