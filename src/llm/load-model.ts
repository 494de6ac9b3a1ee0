// From a path to everything that a LanguageModel is made of: files, tokenizer, template, weights.
import { readJson } from '../formats/json-file.js';
import { testMatrixUnits } from '../kernels/matrix-units.js';
import { type RopeTableOptions, type RopeTableScaling, ropeTable } from '../nn/rope.js';
import type { AbortOptions } from '../runtime/abort.js';
import { checkDevice, Device } from '../runtime/device.js';
import { checkInteger, checkOneOf, checkRunOptions, checkString } from '../runtime/validate.js';
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

export interface ModelLoadOptions extends AbortOptions {
  /** Default: the best one, which the model then owns. */
  device?: Device | undefined;
  /** Tokens of a text at most, its prompt included. Default: what the model was made for, 4096 at most. */
  context?: number | undefined;
  /** Texts that can grow at a time, each with a context of its own; others wait. Default 1. */
  sequences?: number | undefined;
  /** What plain numbers of the file become; what is quantized already stays as it is. Default 'none'. */
  quantize?: Quantize | undefined;
  /** Weights that share a scale, where they are quantized here. Default 32. */
  group?: 32 | 64 | 128 | undefined;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
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
  checkRunOptions(where, options, KEYS);
  const { device, context, sequences, quantize, group } = options;
  if (device !== undefined) checkDevice(where, device);
  if (context !== undefined) checkInteger(where, 'context', context, { min: 1, max: 2 ** 24 });
  if (sequences !== undefined) checkInteger(where, 'sequences', sequences, { min: 1, max: MOST_SEQUENCES });
  if (quantize !== undefined) checkOneOf(where, 'quantize', quantize, ['none', 'int8', 'int4'] as const);
  if (group !== undefined) checkOneOf(where, 'group', group, [32, 64, 128] as const);
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

async function ropeTables(device: Device, file: ModelFile, positions: number, made: Disposable[]): Promise<RopeTables> {
  const { dims, theta, localTheta, factors } = file.config.rope;
  const upload = async (options: RopeTableOptions) => {
    const table = await device.tensorFrom(ropeTable(options));
    made.push(table);
    return table;
  };
  const scaling = await scalingOf(file);
  const divisors = factors && (await factorsOf(file, factors));
  const global = await upload({ dims, positions, theta, scaling, factors: divisors });
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

/** What is to be loaded, and for how many tokens of all sequences. */
interface Planned {
  readonly plan: LoadPlan;
  readonly shape: LoadedModel['shape'];
  readonly tokens: number;
}

/** Throws `ComputeError` `OUT_OF_MEMORY` where it does not fit. */
function planModel(file: ModelFile, options: ModelLoadOptions & { device: Device }): Planned {
  const { config } = file;
  const { device, sequences = 1, quantize = 'none', group } = options;
  const context = options.context ?? Math.min(config.contextLength, DEFAULT_CONTEXT);
  const plan = loadPlan(file.tensors(), config, { quantize, ...(group && { group }) });
  const tokens = pagesFor(context) * PAGE_TOKENS * sequences;
  const { layers, kvHeads, headSize } = config;
  checkMemory(device, {
    weights: plannedWeightBytes(plan),
    kvPerToken: kvCacheBytes({ layers, kvHeads, headSize, tokens: PAGE_TOKENS }) / PAGE_TOKENS,
    tokens,
    working: workingBytes(device, config, context),
    loading: loadingBytes(device, plan),
    quantizable: plan.matrices.some(({ shape }) => shape.scaling === 'none'),
  });
  return { plan, shape: { config, context, sequences }, tokens };
}

function infoOf(
  { path, name, license }: ModelFile,
  { plan, shape, tokens }: Planned,
  loaded: LoadedWeights,
): Omit<ModelInfo, 'loadMs'> {
  const { config, context } = shape;
  const { architecture, layers, kvHeads, headSize, dimensions, vocabulary, contextLength, endIds, pooling } = config;
  const sources = plan.matrices.flatMap(({ parts }) => parts.map(({ source }) => source));
  const parameters = sources.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const cacheBytes = kvCacheBytes({ layers, kvHeads, headSize, tokens });
  const named = { path, name, architecture, license, layers, dimensions, vocabulary, contextLength, context };
  return { ...named, parameters, weightBytes: loaded.bytes, cacheBytes, endIds, pooling };
}

async function loadFile<T>(
  file: ModelFile,
  options: ModelLoadOptions & { device: Device },
  make: (loaded: Omit<LoadedModel, 'ownsDevice'>) => T,
): Promise<T> {
  const begin = performance.now();
  const { device, signal, onProgress } = options;
  const planned = planModel(file, options);
  const { plan, shape } = planned;
  const tokenizer = await tokenizerOf(file);
  await testMatrixUnits(device);
  const made: Disposable[] = [];
  try {
    const ropes = await ropeTables(device, file, shape.context, made);
    const loaded = await loadWeights(device, plan, { signal, onProgress });
    made.push(loaded);
    const info = { ...infoOf(file, planned, loaded), loadMs: performance.now() - begin };
    const weights = assemble(loaded, shape.config, ropes);
    return make({ device, info, tokenizer, template: templateOf(file, tokenizer), weights, shape });
  } catch (error) {
    for (const one of made) one[Symbol.dispose]();
    throw error;
  }
}
