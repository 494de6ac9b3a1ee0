// Vocabularies and texts where they are present beside the checkout; tests that need them skip with this reason elsewhere.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readGguf } from '../../src/formats/gguf.js';
import { Tokenizer } from '../../src/llm/tokenizer/tokenizer.js';

export const shared = fileURLToPath(new URL('../../../shared/', import.meta.url));
export const DATA_MISSING = existsSync(`${shared}data/tokenizers`) ? undefined : `no vocabularies in ${shared}`;

export const readText = (path: string) => readFileSync(`${shared}${path}`, 'utf8');
export const warAndPeace = () => readText('data/text/war-and-peace.txt');

export async function ggufTokenizer(path: string): Promise<Tokenizer> {
  return Tokenizer.fromGguf((await readGguf(`${shared}${path}`)).metadata);
}

export const vocabulary = (name: string) => ggufTokenizer(`data/tokenizers/ggml-vocab-${name}.gguf`);

/** Test strings of a vocabulary and the ids that they must become. */
export function vectors(name: string): { text: string; ids: number[] }[] {
  const path = `data/tokenizers/ggml-vocab-${name}.gguf`;
  const lines = readText(`${path}.out`).split('\n');
  return readText(`${path}.inp`)
    .split('\n__ggml_vocab_test__\n')
    .map((text, index) => ({ text, ids: (lines[index].match(/\d+/g) ?? []).map(Number) }));
}
