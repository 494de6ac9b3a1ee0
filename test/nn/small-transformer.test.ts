// A transformer as someone else would build it from the recorded layers alone, against the same in doubles.
import { expect, test } from 'vitest';
import { Activation } from '../../src/nn/activation.js';
import { recordAttention } from '../../src/nn/attention.js';
import { recordEmbedding } from '../../src/nn/embedding.js';
import { recordActivation } from '../../src/nn/feed-forward.js';
import { weightsFrom } from '../../src/nn/host-weights.js';
import { recordProjection } from '../../src/nn/linear.js';
import { recordNorm } from '../../src/nn/norm.js';
import { ropeTable } from '../../src/nn/rope.js';
import { encodeSampling, LIVE, recordSampling, winnerWords } from '../../src/nn/sampling.js';
import type { Weights } from '../../src/nn/weights.js';
import type { DataType } from '../../src/runtime/data-types.js';
import type { Device } from '../../src/runtime/device.js';
import type { Recorder } from '../../src/runtime/program.js';
import type { Tensor } from '../../src/runtime/tensor.js';
import { describeDevices } from '../support/devices.js';
import { type Matrix, type RandomLayer, randomTransformer, referenceLogits } from '../support/transformer.js';

const SHAPE = {
  layers: 2,
  dimensions: 64,
  feedForward: 96,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabulary: 100,
  theta: 10_000,
  epsilon: 1e-6,
};
const { dimensions, feedForward, heads, kvHeads, headSize, vocabulary, theta, epsilon } = SHAPE;
const LAYOUT = { stride: 128, keyColumn: 64, valueColumn: 96, heads, kvHeads, headSize };
const STRIDE = 128;
const ROWS = 12;

const model = randomTransformer(SHAPE, 11);

interface LayerWeights {
  readonly heads: Weights;
  readonly output: Weights;
  readonly gateUp: Weights;
  readonly down: Weights;
  readonly norms: readonly Tensor[];
  readonly cache: { readonly keys: Tensor; readonly values: Tensor };
}

/** Rows of several matrices; `turns` takes 32 rows of each in turn. */
function stacked(matrices: readonly Matrix[], turns = false): Matrix {
  const { columns } = matrices[0];
  const tile = (matrix: Matrix, first: number, count: number) =>
    Array.from(matrix.numbers).slice(first * columns, (first + count) * columns);
  const numbers = turns
    ? Array.from({ length: matrices[0].rows / 32 }, (_, i) => matrices.flatMap((one) => tile(one, 32 * i, 32))).flat()
    : matrices.flatMap((one) => tile(one, 0, one.rows));
  return { rows: matrices.reduce((sum, { rows }) => sum + rows, 0), columns, numbers };
}

const upload = (device: Device, { rows, columns, numbers }: Matrix) =>
  weightsFrom(device, Float32Array.from(numbers), { rows, columns, kind: 'f32' });

async function layerWeights(device: Device, part: RandomLayer): Promise<LayerWeights> {
  const pages = () => device.tensor('f16', [1, kvHeads, 32, headSize]);
  return {
    heads: await upload(device, stacked([part.q, part.k, part.v])),
    output: await upload(device, part.o),
    gateUp: await upload(device, stacked([part.gate, part.up], true)),
    down: await upload(device, part.down),
    norms: [await device.tensorFrom(part.attentionNorm), await device.tensorFrom(part.feedForwardNorm)],
    cache: { keys: pages(), values: pages() },
  };
}

/** Everything that passes of up to ROWS rows work in. */
async function workspace(device: Device) {
  const scratch = new Map<string, Tensor>();
  const plain = (columns: number) => Activation.allocate(device, { rows: ROWS, columns, form: 'f32' });
  return {
    hidden: device.tensor('f32', [ROWS, dimensions]),
    projected: device.tensor('f32', [ROWS, LAYOUT.stride]),
    gated: device.tensor('f32', [ROWS, 2 * feedForward]),
    logits: device.tensor('f32', [ROWS, STRIDE]),
    normed: plain(dimensions),
    attended: plain(heads * headSize),
    activated: plain(feedForward),
    steps: device.tensor('u32', [ROWS, 4]),
    pages: await device.tensorFrom(Uint32Array.of(0), [1, 1]),
    table: await device.tensorFrom(ropeTable({ dims: headSize, positions: 32, theta })),
    sampling: await device.tensorFrom(encodeSampling({ temperature: 0 }, vocabulary)),
    winners: device.tensor('u32', [winnerWords(1, vocabulary)]),
    chosen: device.tensor('u32', [1]),
    scratch(name: string, type: DataType, shape: readonly number[]): Tensor {
      const key = `${name} ${shape}`;
      const tensor = scratch.get(key) ?? device.tensor(type, shape);
      scratch.set(key, tensor);
      return tensor;
    },
  };
}

type Workspace = Awaited<ReturnType<typeof workspace>>;

function recordLayer(
  recorder: Recorder,
  space: Workspace,
  layer: LayerWeights,
  rows: number,
  order: 'chunk' | 'steps',
) {
  const { hidden, projected, gated, normed, attended, activated, steps, pages, table } = space;
  const [attentionNorm, feedForwardNorm] = layer.norms;
  recordNorm(recorder, { hidden, norm: attentionNorm, epsilon, rows, output: normed });
  recordProjection(recorder, { weights: layer.heads, input: normed, rows, results: projected });
  recordAttention(recorder, {
    rows,
    order,
    projected,
    layout: LAYOUT,
    rope: { table, style: 'interleaved', dims: headSize },
    cache: { ...layer.cache, pages },
    steps,
    window: 0,
    scale: 1 / Math.sqrt(headSize),
    output: attended,
    scratch: space.scratch,
  });
  const add = { rows, results: hidden, epilogue: 'add' } as const;
  recordProjection(recorder, { ...add, weights: layer.output, input: attended });
  recordNorm(recorder, { hidden, norm: feedForwardNorm, epsilon, rows, output: normed });
  recordProjection(recorder, { weights: layer.gateUp, input: normed, rows, results: gated });
  recordActivation(recorder, { gated, rows, output: activated });
  recordProjection(recorder, { ...add, weights: layer.down, input: activated });
}

describeDevices('a small transformer of recorded layers', (device) => {
  test('reads a prompt and continues it, token by token', async () => {
    const space = await workspace(device());
    const embedding = await upload(device(), model.embedding);
    const finalNorm = await device().tensorFrom(model.finalNorm);
    const layers: LayerWeights[] = [];
    for (const part of model.parts) layers.push(await layerWeights(device(), part));
    const { hidden, normed, logits, steps, sampling, winners, chosen } = space;
    const pass = (rows: number, order: 'chunk' | 'steps') =>
      device().record((recorder) => {
        recordEmbedding(recorder, { weights: embedding, steps, rows, hidden });
        for (const layer of layers) recordLayer(recorder, space, layer, rows, order);
        recordNorm(recorder, { hidden, norm: finalNorm, epsilon, rows, output: normed });
        recordProjection(recorder, { weights: embedding, input: normed, rows, results: logits });
        if (order === 'steps')
          recordSampling(recorder, { logits, steps, sampling, winners, chosen, rows, vocabulary, stride: STRIDE });
      });
    using chunk = await pass(ROWS, 'chunk');
    using step = await pass(1, 'steps');

    const ids = Array.from({ length: ROWS }, (_, i) => (37 * i + 5) % vocabulary);
    const written = Uint32Array.from(ids.flatMap((id, position) => [id, position, 0, LIVE.unsampled]));
    const { outputs } = await chunk.run({ write: [[steps, written]], read: [logits] });
    const wanted = referenceLogits(model, ids, [...ids.keys()]);
    for (const [t, row] of wanted)
      for (const [id, logit] of row.entries()) expect(outputs[0][t * STRIDE + id]).toBeCloseTo(logit, 2);

    // The first step is written; each later one finds what the one before it chose.
    const next = wanted.get(ROWS - 1)!;
    ids.push(next.indexOf(Math.max(...next)));
    const first = Uint32Array.of(ids[ROWS], ROWS, 0, LIVE.sampled);
    const runs = Array.from({ length: 6 }, (_, i) =>
      step.run({ read: [chosen, logits], ...(i === 0 && { write: [[steps, first]] as const }) }),
    );
    for (const { outputs: read } of await Promise.all(runs)) {
      const row = referenceLogits(model, ids, [ids.length - 1]).get(ids.length - 1)!;
      for (const [id, logit] of row.entries()) expect(read[1][id]).toBeCloseTo(logit, 2);
      expect(read[0][0]).toBe(row.indexOf(Math.max(...row)));
      ids.push(read[0][0]);
    }
  });
});
