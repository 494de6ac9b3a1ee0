// Opens a model in GGUF, which may be split into several files.
import { basename } from 'node:path';
import { type Gguf, type GgufTensor, readGguf } from '../formats/gguf.js';
import { ComputeError } from '../runtime/errors.js';
import { configFromGguf } from './config-gguf.js';
import type { ModelContent, StoredTensor } from './model-content.js';
import { GGUF_NAMES } from './tensor-names.js';

const MAX_PARTS = 1000;
const PART_SUFFIX = /-(\d{5})-of-(\d{5})\.gguf$/;

const stored = (path: string, { name, type, rows, columns, offset, bytes }: GgufTensor): [string, StoredTensor] => [
  name,
  { name, path, type, rows, columns, offset, bytes },
];

function partPath(path: string, index: number, count: number): string {
  const pad = (number: number) => String(number).padStart(5, '0');
  return path.replace(PART_SUFFIX, `-${pad(index + 1)}-of-${pad(count)}.gguf`);
}

/** The files of a split model, of which `first` has been read. */
async function readParts(first: Gguf): Promise<Gguf[]> {
  const count = first.metadata.number('split.count') ?? 1;
  if (count <= 1) return [first];
  const invalid = (message: string) => new ComputeError('INVALID_FILE', `${first.path}: ${message}`);
  if (!Number.isInteger(count) || count > MAX_PARTS) throw invalid(`a model cannot be split into ${count} parts`);
  const numbers = PART_SUFFIX.exec(first.path);
  if (!numbers || Number(numbers[2]) !== count)
    throw invalid(`a part of ${count} must be called …-00001-of-${count}.gguf`);
  if ((first.metadata.number('split.no') ?? 0) !== 0)
    throw new ComputeError('UNSUPPORTED', `${first.path}: a later part of a split model`, {
      suggestion: `open the first, ${basename(partPath(first.path, 0, count))}`,
    });
  const parts = [first];
  for (let i = 1; i < count; i++) parts.push(await readGguf(partPath(first.path, i, count)));
  return parts;
}

export async function openGgufModel(path: string): Promise<ModelContent> {
  const first = await readGguf(path);
  const parts = await readParts(first);
  const tensors = new Map<string, StoredTensor>();
  for (const part of parts)
    for (const tensor of part.tensors) {
      if (tensors.has(tensor.name))
        throw new ComputeError('INVALID_FILE', `${part.path}: the tensor '${tensor.name}' occurs twice`);
      tensors.set(...stored(part.path, tensor));
    }
  const { metadata } = first;
  return {
    kind: 'gguf',
    path,
    config: configFromGguf({ ...first, tensors: parts.flatMap((part) => part.tensors) }),
    names: GGUF_NAMES,
    tensors,
    name: metadata.string('general.name') ?? basename(path, '.gguf'),
    license: metadata.string('general.license'),
    chatTemplate: metadata.string('tokenizer.chat_template'),
    ...(metadata.has('tokenizer.ggml.tokens') && { tokenizer: { kind: 'gguf' as const, metadata } }),
  };
}
