// What a PQ indexer is made of: its options, checked, and the sizes that follow from them.
import { checkInteger, checkOneOf, checkRunOptions, describe } from '../runtime/validate.js';
import type { Metric } from './metric.js';
import { MAX_DIMENSIONS } from './training-options.js';

export interface PqIndexerOptions {
  /** Default 1. */
  batch?: number | undefined;
  queryHeads: number;
  /** Divides `queryHeads`; grouped-query attention where it is fewer. Default: `queryHeads`. */
  kvHeads?: number | undefined;
  /** Of a head. */
  dimensions: number;
  /** Sub-vectors of a key, each with a codebook of its own. Default 2. */
  subspaces?: number | undefined;
  /** Of a code, 4 to 8. Default 6. */
  bits?: number | undefined;
  /** First positions, always in the list. Default 128. */
  sink?: number | undefined;
  /** Positions that are chosen by score. Default 128. */
  heavy?: number | undefined;
  /** Last positions, always in the list. Default 128. */
  window?: number | undefined;
  /** Keys before it do not train the codebooks. Default: `sink`. */
  initOffset?: number | undefined;
  /** One list for each query head, or one for each KV head by the sum over its query heads. Default `query-head`. */
  groupBy?: 'query-head' | 'kv-head' | undefined;
  /** What codewords are near to: keys as they are, or keys augmented to equal lengths (MIPS). Default `l2`. */
  metric?: Exclude<Metric, 'cosine'> | undefined;
  /** Rounds of k-means. Default 10. */
  iterations?: number | undefined;
  /** The same seed gives the same codebooks on the same device. Default 0. */
  seed?: number | undefined;
}

/** The options with their defaults, and what follows from them. */
export interface PqIndexerShape extends Required<PqIndexerOptions> {
  readonly codewords: number;
  readonly subdimensions: number;
  /** Of a codeword: one more than `subdimensions` for the metric `inner-product`. */
  readonly width: number;
  /** Over the batch. */
  readonly allKvHeads: number;
  readonly listHeads: number;
  readonly listHeadsPerKv: number;
  /** Query heads that a list's scores sum over. */
  readonly summedHeads: number;
  /** Positions in a list. */
  readonly listLength: number;
}

const KEYS = [
  'batch',
  'queryHeads',
  'kvHeads',
  'dimensions',
  'subspaces',
  'bits',
  'sink',
  'heavy',
  'window',
  'initOffset',
  'groupBy',
  'metric',
  'iterations',
  'seed',
];

/** Table entries and padded query dimensions that a workgroup has room for. */
const MAX_TABLE = 4096;
const MAX_QUERY = 1024;
const MAX_HEADS = 65535;

function checkValues(where: string, options: PqIndexerOptions): Required<PqIndexerOptions> {
  checkRunOptions(where, options, KEYS, { required: true });
  const { batch = 1, queryHeads, kvHeads = queryHeads, dimensions, subspaces = 2, bits = 6, ...rest } = options;
  const { sink = 128, heavy = 128, window = 128, initOffset = sink, iterations = 10, seed = 0 } = rest;
  const { groupBy = 'query-head', metric = 'l2' } = rest;
  const positions = { min: 0, max: 1 << 24 };
  checkInteger(where, 'batch', batch, { min: 1, max: MAX_HEADS });
  checkInteger(where, 'queryHeads', queryHeads, { min: 1, max: MAX_HEADS });
  checkInteger(where, 'kvHeads', kvHeads, { min: 1, max: queryHeads });
  checkInteger(where, 'dimensions', dimensions, { min: 1, max: MAX_DIMENSIONS });
  checkInteger(where, 'subspaces', subspaces, { min: 1, max: dimensions });
  checkInteger(where, 'bits', bits, { min: 4, max: 8 });
  checkInteger(where, 'sink', sink, positions);
  checkInteger(where, 'heavy', heavy, { ...positions, min: 1 });
  checkInteger(where, 'window', window, positions);
  checkInteger(where, 'initOffset', initOffset, positions);
  checkOneOf(where, 'groupBy', groupBy, ['query-head', 'kv-head']);
  checkOneOf(where, 'metric', metric, ['l2', 'inner-product']);
  checkInteger(where, 'iterations', iterations, { min: 1, max: 1000 });
  checkInteger(where, 'seed', seed, { min: 0, max: 0xffffffff });
  const sizes = { batch, queryHeads, kvHeads, dimensions, subspaces, bits };
  return { ...sizes, sink, heavy, window, initOffset, groupBy, metric, iterations, seed };
}

function checkAgreement(where: string, values: Required<PqIndexerOptions>, width: number): void {
  const { batch, queryHeads, kvHeads, dimensions, subspaces, bits } = values;
  if (queryHeads % kvHeads !== 0)
    throw new RangeError(`${where}: kvHeads must divide queryHeads (${queryHeads}), got ${kvHeads}`);
  if (dimensions % subspaces !== 0)
    throw new RangeError(`${where}: subspaces must divide dimensions (${dimensions}), got ${subspaces}`);
  if (batch * queryHeads > MAX_HEADS)
    throw new RangeError(`${where}: batch × queryHeads must be at most ${MAX_HEADS}, got ${batch * queryHeads}`);
  if (subspaces * 2 ** bits > MAX_TABLE)
    throw new RangeError(`${where}: subspaces × 2^bits must be at most ${MAX_TABLE}, got ${subspaces} × ${2 ** bits}`);
  const padded = subspaces * Math.ceil(width / 4) * 4;
  if (padded > MAX_QUERY) {
    const got = `${dimensions} dimensions in ${describe(subspaces)} subspaces`;
    throw new RangeError(
      `${where}: subspaces padded to multiples of 4 must have at most ${MAX_QUERY} dimensions, got ${got}`,
    );
  }
}

export function checkIndexer(where: string, options: PqIndexerOptions): PqIndexerShape {
  const values = checkValues(where, options);
  const { batch, queryHeads, kvHeads, dimensions, subspaces, groupBy, metric, sink, heavy, window } = values;
  const subdimensions = dimensions / subspaces;
  const width = subdimensions + (metric === 'inner-product' ? 1 : 0);
  checkAgreement(where, values, width);
  const group = queryHeads / kvHeads;
  return {
    ...values,
    codewords: 2 ** values.bits,
    subdimensions,
    width,
    allKvHeads: batch * kvHeads,
    listHeads: batch * (groupBy === 'query-head' ? queryHeads : kvHeads),
    listHeadsPerKv: groupBy === 'query-head' ? group : 1,
    summedHeads: groupBy === 'query-head' ? 1 : group,
    listLength: sink + heavy + window,
  };
}
