// What is found in the files of a model, whatever their format.
import type { GgufMetadata } from '../formats/gguf-metadata.js';
import type { JsonObject } from '../formats/json-file.js';
import type { ModelConfig } from './config.js';
import type { SourceTensor } from './source-tensor.js';
import type { TensorNames } from './tensor-names.js';

/** What a tokenizer is made of. */
export type TokenizerSource =
  | { readonly kind: 'gguf'; readonly metadata: GgufMetadata }
  /** `path` is that of tokenizer.json; `config` is tokenizer_config.json. */
  | { readonly kind: 'json'; readonly path: string; readonly config: JsonObject };

/** A tensor of any type, which may be one that cannot be loaded. */
export type StoredTensor = Omit<SourceTensor, 'type'> & { readonly type: string };

/** What an opener finds. */
export interface ModelContent {
  readonly kind: 'gguf' | 'hugging-face';
  /** For errors: the file or folder. */
  readonly path: string;
  readonly config: ModelConfig;
  readonly names: TensorNames;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly name: string;
  readonly license?: string;
  /** Jinja. */
  readonly chatTemplate?: string;
  readonly tokenizer?: TokenizerSource;
}
