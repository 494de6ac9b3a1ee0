// Which matrices and vectors a model has on the device, what they are read from, and their places in the layers.
import { weightsFor } from '../nn/repack.js';
import { TILE_ROWS } from '../nn/weights.js';
import { ComputeError } from '../runtime/errors.js';
import type { Tensor } from '../runtime/tensor.js';
import type { ModelConfig } from './config.js';
import { type HeadLayout, type HeadProjection, headLayout, type Layer, type ModelWeights } from './layers.js';
import type { LoadedWeights, LoadPlan, MatrixPlan, VectorPlan } from './loader.js';
import type { LayerTensors, ModelTensors } from './model-tensors.js';
import type { SourceTensor } from './source-tensor.js';

export type Quantize = 'none' | 'int8' | 'int4';

interface QuantizeOptions {
  /** What numbers of the file become; what is quantized already stays as it is. */
  readonly quantize: Quantize;
  /** Weights that share a scale. */
  readonly group?: 32 | 64 | 128;
}

interface Part {
  readonly source: SourceTensor;
  readonly firstColumn: number;
  readonly bias: SourceTensor | undefined;
}

const kindKey = (source: SourceTensor, { quantize }: QuantizeOptions): string =>
  Object.values(weightsFor(source.type, { quantize })).join(' ');

function matrixPlan(name: string, source: SourceTensor, options: QuantizeOptions): MatrixPlan {
  const { rows, columns } = source;
  const shape = { ...weightsFor(source.type, options), rows, columns };
  return { name, shape, parts: [{ source }], ...(options.group && { group: options.group }) };
}

/** Neighbours of one kind become one matrix. */
function headGroups(layer: LayerTensors, layout: HeadLayout, options: QuantizeOptions): Part[][] {
  const parts: Part[] = [
    { source: layer.q, firstColumn: 0, bias: layer.qBias },
    { source: layer.k, firstColumn: layout.keyColumn, bias: layer.kBias },
    { source: layer.v, firstColumn: layout.valueColumn, bias: layer.vBias },
  ];
  const groups: Part[][] = [];
  for (const part of parts) {
    const last = groups[groups.length - 1];
    if (last && kindKey(last[0].source, options) === kindKey(part.source, options)) last.push(part);
    else groups.push([part]);
  }
  return groups;
}

const headName = (index: number, group: number) => `layer ${index} heads ${group}`;

function headPlans(index: number, groups: readonly Part[][], options: QuantizeOptions): LoadPlan {
  const matrices: MatrixPlan[] = [];
  const vectors: VectorPlan[] = [];
  for (const [number, group] of groups.entries()) {
    const name = headName(index, number);
    const first = group[0].firstColumn;
    const last = group[group.length - 1];
    const rows = last.firstColumn + last.source.rows - first;
    matrices.push({
      name,
      shape: { ...weightsFor(group[0].source.type, options), rows, columns: last.source.columns },
      parts: group.map(({ source, firstColumn }) => ({ source, firstTile: (firstColumn - first) / TILE_ROWS })),
      ...(options.group && { group: options.group }),
    });
    const biases = group.flatMap(({ bias, firstColumn }) =>
      bias ? [{ source: bias, first: firstColumn - first }] : [],
    );
    if (biases.length > 0) vectors.push({ name: `${name} bias`, length: rows, parts: biases });
  }
  return { matrices, vectors };
}

/** Tiles of gate and up in turns. */
function gatePlan(name: string, { gate, up }: LayerTensors, options: QuantizeOptions): MatrixPlan {
  // Both halves have to be of one kind: where the file's differ, no matrix of both holds the file's own numbers.
  if (kindKey(gate, options) !== kindKey(up, options))
    throw new ComputeError(
      'UNSUPPORTED',
      `${gate.name} and ${up.name} are of different types, ${gate.type} and ${up.type}`,
    );
  const tiles = Math.ceil(gate.rows / TILE_ROWS);
  return {
    name,
    shape: { ...weightsFor(gate.type, options), rows: 2 * tiles * TILE_ROWS, columns: gate.columns },
    parts: [
      { source: gate, tileStep: 2 },
      { source: up, firstTile: 1, tileStep: 2 },
    ],
    ...(options.group && { group: options.group }),
  };
}

const NORMS = ['attentionNorm', 'qNorm', 'kNorm', 'postAttentionNorm', 'ffnNorm', 'postFfnNorm'] as const;

function normPlan(name: string, source: SourceTensor, add: number): VectorPlan {
  return { name, length: source.columns, parts: [{ source }], ...(add !== 0 && { add }) };
}

function layerPlan(index: number, layer: LayerTensors, config: ModelConfig, options: QuantizeOptions): LoadPlan {
  const heads = headPlans(
    index,
    headGroups(layer, headLayout(config.heads, config.kvHeads, config.headSize), options),
    options,
  );
  const norms = NORMS.flatMap((role) => {
    const source = layer[role];
    return source ? [normPlan(`layer ${index} ${role}`, source, config.normOffset)] : [];
  });
  return {
    matrices: [
      ...heads.matrices,
      matrixPlan(`layer ${index} output`, layer.o, options),
      gatePlan(`layer ${index} gateUp`, layer, options),
      matrixPlan(`layer ${index} down`, layer.down, options),
    ],
    vectors: [...heads.vectors, ...norms],
  };
}

/** Everything that is loaded. Embedding and output matrix are more sensitive than the rest: int4 makes them int8. */
export function loadPlan(tensors: ModelTensors, config: ModelConfig, options: QuantizeOptions): LoadPlan {
  const ends: QuantizeOptions = { ...options, quantize: options.quantize === 'int4' ? 'int8' : options.quantize };
  const layers = tensors.layers.map((layer, index) => layerPlan(index, layer, config, options));
  const output = config.tiedEmbedding ? [] : [matrixPlan('output', tensors.output, ends)];
  return {
    matrices: [
      matrixPlan('embedding', tensors.embedding, ends),
      ...layers.flatMap(({ matrices }) => matrices),
      ...output,
    ],
    vectors: [
      ...layers.flatMap(({ vectors }) => vectors),
      normPlan('final norm', tensors.outputNorm, config.normOffset),
    ],
  };
}

export interface RopeTables {
  readonly global: Tensor;
  /** Of layers with a window. */
  readonly local: Tensor;
}

function headProjections(loaded: LoadedWeights, index: number, layout: HeadLayout): HeadProjection[] {
  const projections: HeadProjection[] = [];
  const columns = [0, layout.keyColumn, layout.valueColumn];
  for (let group = 0, firstColumn = 0; loaded.matrices.has(headName(index, group)); group++) {
    const weights = loaded.matrix(headName(index, group));
    projections.push({ weights, firstColumn, bias: loaded.vectors.get(`${headName(index, group)} bias`) });
    firstColumn = columns.find((column) => column >= firstColumn + weights.rows) ?? 0;
  }
  return projections;
}

/** What was loaded, by its place in the model. */
export function assemble(loaded: LoadedWeights, config: ModelConfig, ropes: RopeTables): ModelWeights {
  const layout = headLayout(config.heads, config.kvHeads, config.headSize);
  const layers = Array.from({ length: config.layers }, (_, index): Layer => {
    const at = (part: string) => `layer ${index} ${part}`;
    const windowed = config.windowLayers[index];
    return {
      index,
      attentionNorm: loaded.vector(at('attentionNorm')),
      headProjections: headProjections(loaded, index, layout),
      queryNorm: loaded.vectors.get(at('qNorm')),
      keyNorm: loaded.vectors.get(at('kNorm')),
      window: windowed ? (config.slidingWindow ?? 0) : 0,
      rope: windowed ? ropes.local : ropes.global,
      output: loaded.matrix(at('output')),
      postAttentionNorm: loaded.vectors.get(at('postAttentionNorm')),
      feedForwardNorm: loaded.vector(at('ffnNorm')),
      gateUp: loaded.matrix(at('gateUp')),
      down: loaded.matrix(at('down')),
      postFeedForwardNorm: loaded.vectors.get(at('postFfnNorm')),
    };
  });
  const embedding = loaded.matrix('embedding');
  const reader = config.tiedEmbedding ? embedding : loaded.matrix('output');
  return {
    embedding,
    layers,
    final: { norm: loaded.vector('final norm'), reader },
    owned: [loaded, ropes.global, ropes.local],
  };
}
