// Models to measure: files of random weights made when they are needed, and the parts of a model that benchmarks drive.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { Decoder } from '../../src/llm/decoder.js';
import { type LoadedModel, loadModel } from '../../src/llm/load-model.js';
import { Sequence } from '../../src/llm/sequence.js';
import { Transformer } from '../../src/llm/transformer.js';
import type { Device } from '../../src/runtime/device.js';
import { Random } from '../support/random.js';
import { type RandomType, writeRandomGguf } from './random-gguf.js';

/** Where generated files are kept; without it they are deleted. */
const FOLDER = env.WAVETILE_BENCH_MODELS;
export const TYPE = (env.WAVETILE_BENCH_TYPE ?? 'q4_0') as RandomType;

/** Files that are there already. */
const KNOWN: Readonly<Record<string, string>> = { 'demo-lm': 'models/demo-lm-7m-q4_0.gguf' };

export interface BenchFile extends AsyncDisposable {
  readonly path: string;
  readonly bytes: number;
}

/** The file of a preset; undefined where it is one of those that a checkout may lack. */
export async function benchFile(preset: string): Promise<BenchFile | undefined> {
  const known = KNOWN[preset];
  if (known) {
    if (!existsSync(known)) return undefined;
    return { path: known, bytes: (await stat(known)).size, [Symbol.asyncDispose]: async () => undefined };
  }
  const folder = FOLDER ?? (await mkdtemp(join(tmpdir(), 'wavetile-models-')));
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${preset}-${TYPE}.gguf`);
  if (!existsSync(path)) {
    writeRandomGguf(`${path}.part`, preset, TYPE);
    await rename(`${path}.part`, path);
  }
  const remove = async () => {
    if (FOLDER === undefined) await rm(folder, { recursive: true });
  };
  return { path, bytes: (await stat(path)).size, [Symbol.asyncDispose]: remove };
}

export const SEQUENCES = 16;
export const CONTEXT = 2048;
/** Of every prompt before steps are taken. */
export const PROMPT = 32;
export const GREEDY = { temperature: 0 };

/** A model without its tokenizer: what steps and chunks are made of. */
export interface BenchModel extends Disposable {
  readonly transformer: Transformer;
  readonly decoder: Decoder;
  readonly sequences: readonly Sequence[];
  /** Of weights that every step reads. */
  readonly stepBytes: number;
  /** Stages of a step that wait for each other. */
  readonly stages: number;
}

function stepBytesOf({ info, weights }: LoadedModel): number {
  return info.weightBytes - (weights.embedding === weights.final.reader ? 0 : weights.embedding.bytes);
}

/** Embedding, logits and two of sampling. */
const OTHER_STAGES = 4;

export function openModel(device: Device, path: string): Promise<BenchModel> {
  return loadModel(path, { device, context: CONTEXT, sequences: SEQUENCES }, (loaded) => {
    const { shape, weights } = loaded;
    const transformer = Transformer.create(device, { ...shape, weights });
    const decoder = new Decoder(transformer);
    const layerStages = shape.config.architecture === 'gemma3' ? 7 : 5;
    return {
      transformer,
      decoder,
      sequences: Array.from({ length: SEQUENCES }, (_, slot) => new Sequence(transformer.cache, slot)),
      stepBytes: stepBytesOf(loaded),
      stages: layerStages * shape.config.layers + OTHER_STAGES,
      [Symbol.dispose]() {
        decoder.dispose();
        transformer.dispose();
      },
    };
  });
}

/** Token ids that say nothing. */
export function promptOf(vocabulary: number, length: number, seed = 1): number[] {
  const random = new Random(seed);
  return Array.from({ length }, () => 300 + random.below(vocabulary - 300));
}
