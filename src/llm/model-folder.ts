// Opens a model in a folder as Hugging Face lays them out: config.json, safetensors, tokenizer.json and the like.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { withInputFile } from '../formats/input-file.js';
import { isObject, JsonFields, type JsonObject, readJson } from '../formats/json-file.js';
import { readSafetensorsHeader, type SafetensorsEntry } from '../formats/safetensors-header.js';
import { ComputeError } from '../runtime/errors.js';
import { configFromHf } from './config-hf.js';
import type { ModelContent, StoredTensor, TokenizerSource } from './model-content.js';
import { huggingFaceNames } from './tensor-names.js';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

const invalid = (path: string, message: string, suggestion?: string) =>
  new ComputeError('INVALID_FILE', `${path}: ${message}`, suggestion ? { suggestion } : {});

const readIfThere = (path: string): Promise<JsonObject | undefined> =>
  existsSync(path) ? readJson(path) : Promise.resolve(undefined);

function stored(path: string, { name, dtype, shape, offset, bytes }: SafetensorsEntry): StoredTensor {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((product, side) => product * side, 1);
  return { name, path, type: dtype, rows, columns, offset, bytes };
}

const readShard = (path: string): Promise<StoredTensor[]> =>
  withInputFile(path, async (file) => (await readSafetensorsHeader(file)).entries.map((entry) => stored(path, entry)));

/** The file of each tensor by the index; a file is one in this folder and nothing else. */
function readIndex(path: string, index: JsonObject): Map<string, string> {
  const map = new JsonFields(path, index).object('weight_map');
  if (!map) throw invalid(path, "'weight_map' is missing");
  const files = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map.json)) {
    if (typeof file !== 'string' || file === '' || file !== basename(file) || /[\\/\0]/.test(file) || file === '..')
      throw invalid(path, `tensor '${tensor}' must be in a file beside it, got '${String(file).slice(0, 80)}'`);
    files.set(tensor, file);
  }
  return files;
}

async function readShards(folder: string): Promise<Map<string, StoredTensor>> {
  const path = join(folder, INDEX);
  const files = readIndex(path, await readJson(path));
  const tensors = new Map<string, StoredTensor>();
  for (const file of new Set(files.values())) {
    const shard = join(folder, file);
    if (!existsSync(shard)) throw invalid(path, `${file} is missing`);
    for (const tensor of await readShard(shard)) if (files.get(tensor.name) === file) tensors.set(tensor.name, tensor);
  }
  for (const [name, file] of files)
    if (!tensors.has(name)) throw invalid(path, `tensor '${name}' is not in ${file}, where it should be`);
  return tensors;
}

async function readTensors(folder: string, file: string | undefined): Promise<Map<string, StoredTensor>> {
  const single = join(folder, file ?? SINGLE);
  if (existsSync(single)) return new Map((await readShard(single)).map((tensor) => [tensor.name, tensor]));
  if (existsSync(join(folder, INDEX))) return readShards(folder);
  throw invalid(folder, `neither ${SINGLE} nor ${INDEX} is in this folder`);
}

/** A string, or several by name of which one is the default. */
function templateIn(json: JsonObject | undefined): string | undefined {
  const template = json?.chat_template;
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const named = template.filter(isObject);
  const chosen = (named.find(({ name }) => name === 'default') ?? named[0])?.template;
  return typeof chosen === 'string' ? chosen : undefined;
}

async function readTemplate(folder: string, tokenizer: JsonObject | undefined): Promise<string | undefined> {
  const file = join(folder, 'chat_template.jinja');
  if (existsSync(file)) return readFile(file, 'utf8');
  return templateIn(await readIfThere(join(folder, 'chat_template.json'))) ?? templateIn(tokenizer);
}

/** `file` is one of safetensors to read instead of those that the folder has by its usual names. */
export async function openFolderModel(folder: string, file?: string): Promise<ModelContent> {
  const configPath = join(folder, 'config.json');
  if (!existsSync(configPath))
    throw invalid(folder, 'config.json is missing', 'open a folder of a Hugging Face model or a .gguf file');
  const [json, generation, tokenizerConfig, pooling] = [
    await readJson(configPath),
    await readIfThere(join(folder, 'generation_config.json')),
    await readIfThere(join(folder, 'tokenizer_config.json')),
    await readIfThere(join(folder, '1_Pooling', 'config.json')),
  ];
  const config = configFromHf(configPath, json, { generation, tokenizer: tokenizerConfig, pooling });
  const tensors = await readTensors(folder, file);
  const tokenizerPath = join(folder, 'tokenizer.json');
  const tokenizer: TokenizerSource = { kind: 'json', path: tokenizerPath, config: tokenizerConfig ?? {} };
  return {
    kind: 'hugging-face',
    path: folder,
    config,
    names: huggingFaceNames(config, (name) => tensors.has(name)),
    tensors,
    name: basename(resolve(folder)),
    chatTemplate: await readTemplate(folder, tokenizerConfig),
    ...(existsSync(tokenizerPath) && { tokenizer }),
  };
}
