// A model on disk, GGUF or Hugging Face: its configuration and where its tensors lie. Weights stay in the file.
import { stat } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { isLoadable, LOADABLE_TYPES } from '../formats/gguf-types.js';
import { checkPath, InputFile } from '../formats/input-file.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { ComputeError } from '../runtime/errors.js';
import { checkObject } from '../runtime/validate.js';
import type { ModelConfig } from './config.js';
import type { ModelContent, StoredTensor, TokenizerSource } from './model-content.js';
import { openFolderModel } from './model-folder.js';
import { openGgufModel } from './model-gguf.js';
import { type ModelTensors, modelTensors, type TensorSource } from './model-tensors.js';
import type { SourceTensor } from './source-tensor.js';
import type { TensorNames } from './tensor-names.js';

async function contentOf(path: string): Promise<ModelContent> {
  if ((await stat(path)).isDirectory()) return openFolderModel(path);
  if (extname(path) === '.safetensors') return openFolderModel(dirname(path), basename(path));
  return openGgufModel(path);
}

/**
 * A model on disk, opened: what it is, and where its weights lie.
 *
 * @example
 * const file = await ModelFile.open('model.gguf');
 * const { embedding, layers } = file.tensors();
 * console.log(file.config.architecture, layers.length, embedding.type);
 * await file.close();
 */
export class ModelFile implements TensorSource {
  readonly kind: 'gguf' | 'hugging-face';
  /** The file, or the folder. */
  readonly path: string;
  readonly config: ModelConfig;
  /** What the file calls its tensors. */
  readonly names: TensorNames;
  readonly name: string;
  readonly license?: string | undefined;
  /** Jinja. */
  readonly chatTemplate?: string | undefined;
  /** What `Tokenizer.fromGguf` or `Tokenizer.fromJson` makes a tokenizer of. */
  readonly tokenizer?: TokenizerSource | undefined;
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #files = new Map<string, Promise<InputFile>>();

  private constructor(token: Token, content: ModelContent) {
    checkToken(token, 'ModelFile', 'ModelFile.open');
    this.kind = content.kind;
    this.path = content.path;
    this.config = content.config;
    this.names = content.names;
    this.name = content.name;
    this.license = content.license;
    this.chatTemplate = content.chatTemplate;
    this.tokenizer = content.tokenizer;
    this.#tensors = content.tensors;
  }

  /**
   * Opens a GGUF file (of a split one, the first part), a Hugging Face folder, or model.safetensors in such a folder.
   *
   * @throws ComputeError `INVALID_FILE` where a file is truncated, damaged or incomplete; `UNSUPPORTED` for an
   * architecture or a kind of quantization that is not known.
   */
  static open(path: string): Promise<ModelFile> {
    checkPath('ModelFile.open', path);
    return ModelFile.#open(path);
  }

  static async #open(path: string): Promise<ModelFile> {
    return new ModelFile(TOKEN, await contentOf(path));
  }

  /** Names of all tensors, in the file's order. */
  get tensorNames(): Iterable<string> {
    return this.#tensors.keys();
  }

  /** Whether there is a tensor that the file calls so. */
  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /**
   * A tensor by the file's own name. Throws `ComputeError`: `INVALID_FILE` where there is none, `UNSUPPORTED` for its
   * type.
   */
  tensor(name: string): SourceTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new ComputeError('INVALID_FILE', `${this.path}: tensor '${name}' is missing`);
    const { type } = tensor;
    if (!isLoadable(type))
      throw new ComputeError('UNSUPPORTED', `${this.path}: tensor '${name}' is of type ${type}`, {
        suggestion: `types that can be loaded are ${LOADABLE_TYPES.join(', ')}`,
      });
    return { ...tensor, type };
  }

  /** All tensors of the model by what they are for, checked to be there and of the right shape. */
  tensors(): ModelTensors {
    return modelTensors(this);
  }

  /** The bytes of a tensor as they lie in the file. */
  read(tensor: SourceTensor): Promise<Uint8Array> {
    checkObject('modelFile.read', 'tensor', tensor);
    return this.#read(tensor);
  }

  /** Closes the files that `read` has opened. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const file of await Promise.allSettled(files)) if (file.status === 'fulfilled') await file.value.close();
  }

  async #read(tensor: SourceTensor): Promise<Uint8Array> {
    let opened = this.#files.get(tensor.path);
    if (!opened) {
      opened = InputFile.open(tensor.path);
      this.#files.set(tensor.path, opened);
    }
    const bytes = new Uint8Array(tensor.bytes);
    await (await opened).read(bytes, tensor.offset, `tensor '${tensor.name}'`);
    return bytes;
  }
}
