// In a project that installed the package: a search on the CPU device finds each vector itself; weights come back.
import assert from 'node:assert/strict';
import { Device, FlatIndex } from 'wavetile';
import { readWeights, weightsFrom } from 'wavetile/nn';

const dimensions = 16;
const rows = 100;
const vectors = Float32Array.from({ length: rows * dimensions }, (_, i) => Math.sin(i * i));
const device = await Device.open({ backend: 'cpu' });
const index = FlatIndex.create(device, { dimensions, metric: 'l2' });
await index.add(vectors);
const { ids } = await index.search(vectors, { k: 1 });
assert.deepEqual(
  Array.from(ids),
  Array.from({ length: rows }, (_, row) => row),
);
const weights = await weightsFrom(device, vectors, { rows, columns: dimensions, kind: 'f32' });
assert.deepEqual(await readWeights(weights), vectors);
weights.dispose();
index.dispose();
device.dispose();
console.log(`installed package works on ${device.info.name}`);
