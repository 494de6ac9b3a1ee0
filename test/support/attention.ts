// Attention in plain float64 loops, over listed positions or all.

export interface AttentionInputs {
  queries: Float32Array;
  keys: Float32Array;
  values: Float32Array;
  /** Positions of each list head; all keys where absent. */
  list?: ArrayLike<number>;
  weights?: ArrayLike<number>;
}

export interface AttentionSides {
  queryHeads: number;
  kvHeads: number;
  /** Heads of the list; the query heads' by default. */
  listHeads?: number;
  queryCount: number;
  keyCount: number;
  dimensions: number;
  valueDimensions: number;
  /** Positions of each head in the list. */
  length?: number;
  scale: number;
}

/** `visit` gets the place of each output number and its value. */
export function attend(inputs: AttentionInputs, sides: AttentionSides, visit: (place: number, value: number) => void) {
  const { queries, keys, values, list, weights } = inputs;
  const {
    queryHeads,
    kvHeads,
    listHeads = queryHeads,
    queryCount,
    keyCount,
    dimensions,
    valueDimensions,
    scale,
  } = sides;
  const length = list === undefined ? keyCount : (sides.length ?? list.length / listHeads);
  for (let query = 0; query < queryHeads * queryCount; query++) {
    const head = Math.floor(query / queryCount);
    const kv = Math.floor(head / (queryHeads / kvHeads)) * keyCount;
    const listHead = Math.floor(head / (queryHeads / listHeads));
    const rows = Array.from({ length }, (_, i) => (list === undefined ? i : list[listHead * length + i]));
    const logits = rows.map((row) => {
      let sum = 0;
      for (let d = 0; d < dimensions; d++) sum += queries[query * dimensions + d] * keys[(kv + row) * dimensions + d];
      return sum * scale + (weights === undefined ? 0 : Math.log(weights[listHead * keyCount + row]));
    });
    const greatest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const shares = logits.map((logit) => (greatest === -Infinity ? 0 : Math.exp(logit - greatest)));
    const total = shares.reduce((sum, share) => sum + share, 0);
    for (let d = 0; d < valueDimensions; d++) {
      let sum = 0;
      for (const [i, row] of rows.entries()) sum += shares[i] * values[(kv + row) * valueDimensions + d];
      visit(query * valueDimensions + d, total > 0 ? sum / total : 0);
    }
  }
}
