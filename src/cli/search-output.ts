// Search results as tab-separated lines, JSON or an ivecs file of ids.
import { once } from 'node:events';
import { extname } from 'node:path';
import { writeAtomically } from '../runtime/atomic-file.js';
import { writeIvecs } from '../vector/formats/index.js';

export const RESULT_FORMATS = ['tsv', 'json', 'ivecs'] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

/** What a search returns; ids and distances are row-major, `count` rows of `k`. */
export interface Neighbours {
  readonly ids: Uint32Array | BigInt64Array;
  readonly distances: Float32Array;
  readonly count: number;
  readonly k: number;
}

interface FormatOptions {
  readonly format?: ResultFormat;
  readonly json?: boolean;
  readonly output?: string;
}

/** The format that was asked for, else what the output's name ends in, else TSV. */
export function chooseFormat({ format, json, output }: FormatOptions): ResultFormat {
  if (json) return 'json';
  const extension = output === undefined ? 'tsv' : extname(output).slice(1).toLowerCase();
  const chosen = format ?? RESULT_FORMATS.find((one) => one === extension);
  if (chosen === undefined)
    throw new RangeError(`--output must end in .tsv, .json or .ivecs, or come with --format, got '${output}'`);
  if (chosen === 'ivecs' && output === undefined) throw new RangeError('--format ivecs needs --output');
  return chosen;
}

/** The neighbours that one query has; where fewer than k exist, the rest of its row is infinitely far away. */
function rowOf({ ids, distances, k }: Neighbours, query: number): { ids: (number | bigint)[]; distances: number[] } {
  const row = Array.from({ length: k }, (_, rank) => query * k + rank).filter((at) => Number.isFinite(distances[at]));
  return { ids: row.map((at) => ids[at]), distances: row.map((at) => distances[at]) };
}

function* tsv(found: Neighbours, first: number): Generator<string> {
  yield 'query\trank\tid\tdistance\n';
  for (let query = 0; query < found.count; query++) {
    const row = rowOf(found, query);
    yield row.ids.map((id, rank) => `${first + query}\t${rank + 1}\t${id}\t${row.distances[rank]}\n`).join('');
  }
}

function* json(found: Neighbours, first: number): Generator<string> {
  for (let query = 0; query < found.count; query++) {
    const { ids, distances } = rowOf(found, query);
    // 64-bit ids are numbers in the text: JSON itself has no limit on their digits.
    const line = `{"query":${first + query},"ids":[${ids.join(',')}],"distances":${JSON.stringify(distances)}}`;
    yield `${query === 0 ? '[\n' : ',\n'}${line}`;
  }
  yield found.count === 0 ? '[]\n' : '\n]\n';
}

function writeIds(path: string, { ids, k }: Neighbours): Promise<void> {
  if (!(ids instanceof Uint32Array)) throw new RangeError('ivecs holds 32-bit ids; use --format json for this index');
  return writeIvecs(path, { dimensions: k, data: new Int32Array(ids.buffer, ids.byteOffset, ids.length) });
}

async function print(lines: Iterable<string>): Promise<void> {
  for (const line of lines) if (!process.stdout.write(line)) await once(process.stdout, 'drain');
}

/** Prints or writes what was found; `first` is the number of the first query. */
export async function writeNeighbours(
  found: Neighbours & { first: number },
  { format, output }: { format: ResultFormat; output?: string },
): Promise<void> {
  if (format === 'ivecs') return writeIds(output as string, found);
  const lines = format === 'json' ? json(found, found.first) : tsv(found, found.first);
  if (output === undefined) return print(lines);
  await writeAtomically(output, async (file) => {
    for (const line of lines) await file.append(Buffer.from(line));
  });
}
