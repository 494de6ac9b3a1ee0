// What owns device memory: made by its factory alone, whole or not at all, and refused once it, or its device, is gone.
import { afterEach, expect, test, vi } from 'vitest';
import {
  Device,
  FlatIndex,
  IvfFlatIndex,
  IvfPqIndex,
  KMeans,
  MultiHeadSimilarity,
  NeuralCodec,
  NeuralFlatIndex,
  PqIndexer,
  ProductQuantizer,
  type SearchIndex,
} from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { vectorsOf } from './index-kinds.js';

const vectors = vectorsOf(300, 1);
const dimensions = 16;
const shape = { dimensions, iterations: 2 };

interface Owner extends Disposable {
  readonly disposed: boolean;
  dispose(): void;
}

interface OwnerKind {
  readonly type: { readonly name: string };
  /** What its users are told to use. */
  readonly factory: string;
  make(device: Device): Promise<Owner>;
  /** Some call by its own name. */
  use(owner: never): unknown;
  readonly used: string;
}

const codec = (device: Device) =>
  NeuralCodec.train(device, vectors, { dimensions, latentDimensions: 4, epochs: 1, hidden: [8] });
const weights = vectorsOf(16, 2);

const KINDS: readonly OwnerKind[] = [
  {
    type: KMeans,
    factory: 'KMeans.train',
    make: (device) => KMeans.train(device, vectors, { ...shape, clusters: 4, init: 'k-means++' }),
    use: (owner: KMeans) => owner.assign(vectors),
    used: 'KMeans.assign',
  },
  {
    type: ProductQuantizer,
    factory: 'ProductQuantizer.train',
    make: (device) => ProductQuantizer.train(device, vectors, { ...shape, subspaces: 4, bits: 4 }),
    use: (owner: ProductQuantizer) => owner.encode(vectors),
    used: 'ProductQuantizer.encode',
  },
  {
    type: FlatIndex,
    factory: 'FlatIndex.create',
    make: async (device) => FlatIndex.create(device, { dimensions }),
    use: (owner: FlatIndex) => owner.search(vectors),
    used: 'FlatIndex.search',
  },
  {
    type: IvfFlatIndex,
    factory: 'IvfFlatIndex.train',
    make: (device) => IvfFlatIndex.train(device, vectors, { ...shape, lists: 4 }),
    use: (owner: IvfFlatIndex) => owner.search(vectors),
    used: 'IvfFlatIndex.search',
  },
  {
    type: IvfPqIndex,
    factory: 'IvfPqIndex.train',
    make: (device) => IvfPqIndex.train(device, vectors, { ...shape, lists: 4, subspaces: 4, bits: 4 }),
    use: (owner: IvfPqIndex) => owner.search(vectors),
    used: 'IvfPqIndex.search',
  },
  {
    type: NeuralCodec,
    factory: 'NeuralCodec.train',
    make: codec,
    use: (owner: NeuralCodec) => owner.encode(vectors),
    used: 'NeuralCodec.encode',
  },
  {
    type: NeuralFlatIndex,
    factory: 'NeuralFlatIndex.create',
    make: async (device) => NeuralFlatIndex.create(device, await codec(device)),
    use: (owner: NeuralFlatIndex) => owner.search(vectors),
    used: 'NeuralFlatIndex.search',
  },
  {
    type: MultiHeadSimilarity,
    factory: 'MultiHeadSimilarity.create',
    make: (device) =>
      MultiHeadSimilarity.create(device, { dimensions, heads: 2, queryWeights: weights, keyWeights: weights }),
    use: (owner: MultiHeadSimilarity) => owner.setKeys(vectors),
    used: 'MultiHeadSimilarity.setKeys',
  },
  {
    type: PqIndexer,
    factory: 'PqIndexer.create',
    make: async (device) => PqIndexer.create(device, { queryHeads: 1, dimensions, heavy: 32 }),
    use: (owner: PqIndexer) => owner.first(vectors),
    used: 'PqIndexer.first',
  },
];

afterEach(() => {
  vi.restoreAllMocks();
});

test.each(KINDS)('new $type.name() says what makes one', ({ type, factory }) => {
  const make = () => new (type as unknown as new () => unknown)();
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`${type.name} has no public constructor: use ${factory}`);
});

describeDevices('whoever owns device memory', (device, backend) => {
  test.each(KINDS)('knows whether it was disposed of: $type.name', async ({ type, make, use, used }) => {
    const owner = await make(device());
    expect(owner.disposed).toBe(false);
    owner.dispose();
    expect(owner.disposed).toBe(true);
    const message = `${used}: this ${type.name} was disposed of`;
    expect(() => use(owner as never)).toThrow(expect.objectContaining({ code: 'DISPOSED', message }));
  });

  test.each(KINDS)('says that its device was disposed of: $type.name', async ({ make, use, used }) => {
    const lost = await backend.open();
    using owner = await make(lost);
    lost.dispose();
    const message = `${used}: the device was disposed of`;
    expect(() => use(owner as never)).toThrow(expect.objectContaining({ code: 'DISPOSED', message }));
  });

  test.each(KINDS)('leaves no memory behind where making it fails at any point: $type.name', async ({ make }) => {
    using own = await backend.open();
    const record = own.record.bind(own);
    let left = 0;
    vi.spyOn(own, 'record').mockImplementation((build) => {
      if (left-- === 0) return Promise.reject(new Error('no more programs'));
      return record(build);
    });
    const given = own.memory().liveBytes;
    for (let programs = 0; ; programs++) {
      left = programs;
      const made = await make(own).catch((error: Error) => error);
      if (!(made instanceof Error)) {
        made.dispose();
        break;
      }
      expect(made.message).toBe('no more programs');
      // A run's memory goes back a moment after its completion.
      await expect.poll(() => own.memory().liveBytes, { message: `after ${programs} programs` }).toBe(given);
    }
  });
});

test('every index can be used as a SearchIndex', async () => {
  const add = async (index: SearchIndex) => {
    await index.add(vectors);
    return (await index.search(vectors, { k: 1 })).count;
  };
  using device = await Device.open({ backend: 'cpu' });
  using flat = FlatIndex.create(device, { dimensions });
  using inverted = await IvfFlatIndex.train(device, vectors, { ...shape, lists: 4 });
  expect(await Promise.all([add(flat), add(inverted)])).toEqual([300, 300]);
});
