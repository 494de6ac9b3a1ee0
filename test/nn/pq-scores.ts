// Scores of all keys as an indexer's codes and codebooks give them, in float64.
import type { PqIndexer, PqIndexerOptions } from '../../src/vector/pq-indexer.js';

/** One array a list head, over the batch. */
export async function scoresOf(
  indexer: PqIndexer,
  options: PqIndexerOptions,
  queries: Float32Array,
): Promise<Float64Array[]> {
  const { batch = 1, queryHeads, kvHeads = queryHeads, dimensions, subspaces = 2, bits = 6 } = options;
  const [codes, codebooks] = [await indexer.codes(), await indexer.codebooks()];
  const keys = indexer.keyCount;
  const width = codebooks.length / (batch * kvHeads * subspaces * 2 ** bits);
  const part = dimensions / subspaces;
  const group = queryHeads / kvHeads;
  const lists = batch * (options.groupBy === 'kv-head' ? kvHeads : queryHeads);
  const queryRows = queries.length / dimensions / lists;
  return Array.from({ length: lists }, (_, list) => {
    const kv = options.groupBy === 'kv-head' ? list : Math.floor(list / group);
    const query = new Float64Array(dimensions);
    for (let row = 0; row < queryRows; row++)
      for (let d = 0; d < dimensions; d++) query[d] += queries[(list * queryRows + row) * dimensions + d];
    return Float64Array.from({ length: keys }, (_, key) => {
      let score = 0;
      for (let d = 0; d < dimensions; d++) {
        const p = kv * subspaces + Math.floor(d / part);
        score += query[d] * codebooks[(p * 2 ** bits + codes[p * keys + key]) * width + (d % part)];
      }
      return score;
    });
  });
}
