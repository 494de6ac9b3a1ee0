// `wavetile search`: the nearest vectors of an index file, or of a vector file searched exactly, for a file of queries.
import { extname } from 'node:path';
import { Command, Option } from 'commander';
import type { Device } from '../runtime/device.js';
import { FlatIndex } from '../vector/flat-index.js';
import { readVectors, VECTOR_EXTENSIONS } from '../vector/formats/index.js';
import type { VectorRange } from '../vector/formats/vectors.js';
import { openIndexFile } from '../vector/index-file.js';
import { IvfFlatIndex } from '../vector/ivf-flat-index.js';
import { IvfPqIndex } from '../vector/ivf-pq-index.js';
import { METRICS, type Metric } from '../vector/metric.js';
import { NeuralFlatIndex } from '../vector/neural-flat-index.js';
import { DEVICE_HELP, openDevice } from './open-device.js';
import { parseCount, parsePositive } from './parse-count.js';
import { parseInput, parseOutput } from './parse-path.js';
import { runCommand } from './report-error.js';
import { chooseFormat, RESULT_FORMATS, type ResultFormat, writeNeighbours } from './search-output.js';

type SearchIndex = FlatIndex | NeuralFlatIndex | IvfFlatIndex | IvfPqIndex;

interface SearchCommandOptions {
  readonly queries: string;
  readonly k: number;
  readonly probes?: number;
  readonly metric?: Metric;
  readonly first?: number;
  readonly count?: number;
  readonly format?: ResultFormat;
  readonly json?: boolean;
  readonly output?: string;
  readonly device?: string;
  readonly debug?: boolean;
}

const KINDS = new Map<string, { load(device: Device, path: string): Promise<SearchIndex> }>([
  ['flat', FlatIndex],
  ['neural-flat', NeuralFlatIndex],
  ['ivf-flat', IvfFlatIndex],
  ['ivf-pq', IvfPqIndex],
]);

/** Rows of a vector file that are in memory at a time while they are added. */
const ADD_ROWS = 65536;

function toFloats(path: string, { data }: VectorRange): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array) throw new RangeError(`${path} holds 64-bit integers, expected vectors`);
  return Float32Array.from(data);
}

async function flatIndexOf(device: Device, path: string, metric: Metric): Promise<FlatIndex> {
  const { dimensions, total } = await readVectors(path, { count: 0 });
  const index = FlatIndex.create(device, { dimensions, metric });
  for (let first = 0; first < total; first += ADD_ROWS)
    await index.add(toFloats(path, await readVectors(path, { first, count: ADD_ROWS })));
  return index;
}

/** What the file holds; `vectors` where it is no index. */
async function kindOf(path: string): Promise<string> {
  if (VECTOR_EXTENSIONS.includes(extname(path).toLowerCase())) return 'vectors';
  const file = await openIndexFile(path);
  await file.close();
  return file.kind;
}

async function loadIndex(device: Device, path: string, options: SearchCommandOptions): Promise<SearchIndex> {
  const kind = await kindOf(path);
  if (options.probes !== undefined && !kind.startsWith('ivf'))
    throw new RangeError(`--probes is for IVF indexes, and ${path} holds ${kind}`);
  if (kind === 'vectors') return flatIndexOf(device, path, options.metric ?? 'l2');
  if (options.metric) throw new RangeError('--metric is for vector files; an index file has its own');
  const Index = KINDS.get(kind);
  if (!Index) throw new RangeError(`${path} holds ${kind}, expected an index: ${[...KINDS.keys()].join(', ')}`);
  return Index.load(device, path);
}

async function search(path: string, options: SearchCommandOptions): Promise<void> {
  const format = chooseFormat(options);
  using device = await openDevice(options.device);
  using index = await loadIndex(device, path, options);
  const queries = await readVectors(options.queries, { first: options.first, count: options.count });
  if (queries.dimensions !== index.dimensions)
    throw new RangeError(
      `${options.queries} holds vectors of ${queries.dimensions} dimensions, ${path} of ${index.dimensions}`,
    );
  const vectors = toFloats(options.queries, queries);
  const { k, probes } = options;
  const found = await index.search(vectors, { k, ...(probes !== undefined && { probes }) });
  await writeNeighbours({ ...found, first: queries.first }, { format, output: options.output });
}

export function searchCommand(): Command {
  return new Command('search')
    .description('find the nearest vectors of an index file or of a vector file')
    .argument('<index>', `index file, or vectors to search exactly (${VECTOR_EXTENSIONS.join(', ')})`, parseInput)
    .requiredOption('-q, --queries <file>', `vectors to search for (${VECTOR_EXTENSIONS.join(', ')})`, parseInput)
    .option('-k, --k <count>', 'neighbours of each query', parsePositive, 10)
    .option('-p, --probes <count>', 'lists to probe, for IVF indexes', parsePositive)
    .addOption(new Option('-m, --metric <metric>', 'for a vector file; default: l2').choices([...METRICS]))
    .option('--first <row>', 'first query', parseCount)
    .option('--count <rows>', 'queries at most', parsePositive)
    .addOption(
      new Option('-f, --format <format>', 'default: tsv, or what --output ends in').choices([...RESULT_FORMATS]),
    )
    .addOption(new Option('--json', 'the same as --format json').conflicts('format'))
    .option('-o, --output <file>', 'write there instead of to standard output', parseOutput())
    .option('-d, --device <device>', DEVICE_HELP)
    .option('--debug', 'show the stack of an error')
    .action((path: string, options: SearchCommandOptions) => runCommand(() => search(path, options), options.debug));
}
