// Multi-head scores recorded for so many queries and keys: project both sides, multiply them, keep the k best if asked.
import type { Program, Recorder } from '../runtime/program.js';
import type { Tensor, TypedArray } from '../runtime/tensor.js';
import {
  type HeadModel,
  type Projection,
  projectedLength,
  recordProduct,
  recordProjections,
  rowChunks,
} from './head-projection.js';
import { linearGrid, NONE } from './layout.js';
import { rejectInvalid } from './packed-rows.js';
import { Workspace } from './workspace.js';

export interface SimilarityShape {
  readonly queries: number;
  readonly keys: number;
  /** Best keys of each query; 0: the scores of all. */
  readonly k: number;
}

/** Rows that are on the device already. */
export interface SimilarityTensors {
  readonly queries?: Tensor | undefined;
  readonly keys?: Tensor | undefined;
  /** Keys that need no projection any more. */
  readonly projectedKeys?: Tensor | undefined;
}

/** Padded rows to upload, for the sides that are not on the device; `first` is the number of the first query. */
interface SimilarityInput {
  readonly queries?: Float32Array | undefined;
  readonly keys?: Float32Array | undefined;
  readonly first?: number;
}

/** All scores, or ids and scores of the best. */
interface SimilarityOutput {
  readonly scores: Float32Array;
  readonly ids?: Uint32Array;
}

/** Queries or keys as they come. */
type Side = Omit<Projection, 'weights' | 'projected'>;

/** Without `normalize`, projecting the queries twice takes the place of projecting the keys. */
function isFoldingCheaper({ shape, foldedWeights }: HeadModel, { queries, keys }: SimilarityShape): boolean {
  if (foldedWeights === undefined) return false;
  const [raw, projected] = [rowChunks(shape), projectedLength(shape) / 4];
  return queries * raw * (projected + keys / 4) < keys * projected * (raw + queries / 4);
}

const NO_INVALID = Uint32Array.of(NONE);

export class SimilarityPlan {
  readonly #workspace: Workspace;
  readonly #sides: Side[] = [];
  readonly #outputs: Tensor[] = [];
  #program: Program | undefined;

  private constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  static async record(model: HeadModel, shape: SimilarityShape, tensors: SimilarityTensors): Promise<SimilarityPlan> {
    const plan = new SimilarityPlan(new Workspace(model.device));
    try {
      plan.#program = await model.device.record((recorder) => plan.#record(recorder, model, shape, tensors));
      return plan;
    } catch (error) {
      plan.dispose();
      throw error;
    }
  }

  #record(recorder: Recorder, model: HeadModel, shape: SimilarityShape, tensors: SimilarityTensors): void {
    const { queries, keys, k } = shape;
    const work = this.#workspace;
    const query = this.#side(model, queries, tensors.queries);
    const key = tensors.projectedKeys === undefined ? this.#side(model, keys, tensors.keys) : undefined;
    const products = work.tensor('f32', queries * keys);
    const scale = k === 0 ? model.scale : -model.scale; // the best are selected as the smallest
    const size = { rows: queries, columns: keys, scale };
    if (key !== undefined && isFoldingCheaper(model, shape)) {
      const left = this.#recordFolded(recorder, model, query);
      const buffers = { left, right: key.source, products, firstInvalid: key.firstInvalid };
      recordProduct(recorder, buffers, { ...size, chunks: rowChunks(model.shape), check: 2 });
    } else {
      const left = this.#projection(model, query, model.queryWeights);
      const right = key && this.#projection(model, key, model.keyWeights);
      recordProjections(recorder, model.shape, right === undefined ? [left] : [left, right]);
      const projectedKeys = right?.projected ?? (tensors.projectedKeys as Tensor);
      const buffers = { left: left.projected, right: projectedKeys, products, firstInvalid: query.firstInvalid };
      recordProduct(recorder, buffers, { ...size, chunks: projectedLength(model.shape) / 4, check: 0 });
    }
    if (k === 0) this.#outputs.push(products);
    else this.#recordBest(recorder, products, shape);
  }

  #side({ shape }: HeadModel, rows: number, given: Tensor | undefined): Side {
    const source = given ?? this.#workspace.tensor('f32', rows * rowChunks(shape) * 4);
    const side = { source, firstInvalid: this.#workspace.tensor('u32', 1), rows };
    this.#sides.push(side);
    return side;
  }

  #projection({ shape }: HeadModel, side: Side, weights: Tensor): Projection {
    return { ...side, weights, projected: this.#workspace.tensor('f32', side.rows * projectedLength(shape)) };
  }

  /** Both projections applied to the queries: their products with the keys as they are are the sums over all heads. */
  #recordFolded(recorder: Recorder, model: HeadModel, query: Side): Tensor {
    const projection = this.#projection(model, query, model.queryWeights);
    recordProjections(recorder, model.shape, [projection]);
    const columns = rowChunks(model.shape) * 4;
    const products = this.#workspace.tensor('f32', query.rows * columns);
    const right = model.foldedWeights as Tensor;
    const chunks = projectedLength(model.shape) / 4;
    const buffers = { left: projection.projected, right, products, firstInvalid: query.firstInvalid };
    recordProduct(recorder, buffers, { rows: query.rows, columns, chunks, scale: 1, check: 0 });
    return products;
  }

  #recordBest(recorder: Recorder, values: Tensor, { queries: rows, keys: stride, k }: SimilarityShape): void {
    const lengths = this.#workspace.tensor('u32', rows);
    const best = this.#workspace.tensor('f32', rows * k);
    const indices = this.#workspace.tensor('u32', rows * k);
    recorder.fill(lengths, stride);
    const buffers = { values, lengths, indices, best };
    recorder.dispatch('select_smallest', { buffers, params: { rows, stride, k }, grid: linearGrid(rows) });
    this.#outputs.push(best, indices);
  }

  async run(where: string, input: SimilarityInput, out?: Float32Array): Promise<SimilarityOutput> {
    const [querySide, keySide] = this.#sides as [Side, Side?];
    const write: [Tensor, TypedArray][] = this.#sides.map(({ firstInvalid }) => [firstInvalid, NO_INVALID]);
    if (input.queries !== undefined) write.push([querySide.source, input.queries]);
    if (input.keys !== undefined && keySide !== undefined) write.push([keySide.source, input.keys]);
    const invalid = this.#sides.map(({ firstInvalid }) => firstInvalid);
    const read = [...invalid, ...this.#outputs];
    const { outputs } = await (this.#program as Program).run({
      write,
      read,
      out: [...invalid.map(() => undefined), out],
    });
    rejectInvalid(`${where}: queries`, outputs[0][0], input.first);
    if (keySide !== undefined) rejectInvalid(`${where}: keys`, outputs[1][0]);
    const [scores, ids] = outputs.slice(invalid.length) as [Float32Array, Uint32Array?];
    if (ids === undefined) return { scores };
    for (let i = 0; i < scores.length; i++) scores[i] = -scores[i];
    return { scores, ids };
  }

  dispose(): void {
    this.#program?.dispose();
    this.#workspace.dispose();
  }
}
