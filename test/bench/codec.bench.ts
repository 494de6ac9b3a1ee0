// The neural codec: decoding and encoding from and to arrays, the same on the device alone, and training.
import { NeuralCodec, networkOf } from '../../src/vector/neural-codec.js';
import { type BenchContext, type BenchRow, timeCalls, timeProgram } from './context.js';
import { noise } from './data.js';

export const name = 'codec';

const { dimensions, latentDimensions } = NeuralCodec.presets['768-128'];
const SHAPE = `${latentDimensions} to ${dimensions}`;
const FLOPS = 2 * dimensions * latentDimensions;
const BYTES = dimensions * 4 + latentDimensions + 4;

function openCodec({ device }: BenchContext): Promise<NeuralCodec> {
  const weights = (seed: number) => [{ weights: noise(dimensions * latentDimensions, seed) }];
  return NeuralCodec.fromWeights(device, { dimensions, latentDimensions, encoder: weights(1), decoder: weights(2) });
}

function encodedNoise(count: number) {
  const codes = Int8Array.from(noise(count * latentDimensions, 3), (x) => Math.max(-127, Math.min(127, x * 40)));
  const scales = noise(count, 4).map((x) => 0.01 + Math.abs(x) / 100);
  return { codes, scales, count, latentDimensions };
}

async function decode(context: BenchContext): Promise<BenchRow[]> {
  using codec = await openCodec(context);
  const rows: BenchRow[] = [];
  for (const count of [1000, context.size({ gpu: 100_000, cpu: 10_000, software: 2000 })]) {
    const encoded = encodedNoise(count);
    const wallMs = await timeCalls(() => codec.decodeFlat(encoded), { repeats: count > 1000 ? 20 : 200, warmUp: 20 });
    rows.push({
      name: 'NeuralCodec.decodeFlat',
      shape: `${count} x ${SHAPE}`,
      wallMs,
      flops: count * FLOPS,
      bytes: count * BYTES,
    });
    rows.push({ name: 'decodeFlat, vectors', shape: `${count} x ${SHAPE}`, value: count / wallMs / 1000, unit: 'M/s' });
  }
  return rows;
}

async function encode(context: BenchContext): Promise<BenchRow[]> {
  using codec = await openCodec(context);
  const rows: BenchRow[] = [];
  for (const count of [1000, context.size({ gpu: 100_000, cpu: 10_000, software: 2000 })]) {
    const vectors = noise(count * dimensions, 5);
    const wallMs = await timeCalls(() => codec.encode(vectors), { repeats: count > 1000 ? 20 : 200, warmUp: 20 });
    const shape = `${count} x ${dimensions} to ${latentDimensions}`;
    rows.push({ name: 'NeuralCodec.encode', shape, wallMs, flops: count * FLOPS, bytes: count * BYTES });
  }
  return rows;
}

/** The kernels alone, on tensors. */
async function resident(context: BenchContext): Promise<BenchRow[]> {
  const { device } = context;
  using codec = await openCodec(context);
  const network = networkOf(codec);
  const count = context.size({ gpu: 262_144, cpu: 8192, software: 1024 });
  const encoded = encodedNoise(count);
  using codes = await device.tensorFrom(encoded.codes);
  using scales = await device.tensorFrom(encoded.scales);
  using vectors = device.tensor('f32', [count * dimensions]);
  using firstInvalid = device.tensor('u32', [1]);
  const work = { tensor: device.tensor.bind(device) } as never; // a codec without hidden layers asks for none
  using decoding = await device.record((recorder) =>
    network.recordDecode(recorder, { codes, scales, rows: count, vectors, work }),
  );
  using encoding = await device.record((recorder) =>
    network.recordEncode(recorder, { codes, scales, rows: count, vectors, firstInvalid, work }),
  );
  const rows: BenchRow[] = [];
  for (const [kernel, program] of [
    ['codec_decode', decoding],
    ['codec_encode', encoding],
  ] as const) {
    const time = await timeProgram(program);
    const shape = `${count} x ${SHAPE}`;
    rows.push({ name: kernel, shape, flops: count * FLOPS, bytes: count * BYTES, ...time });
    const millis = time.deviceMs ?? time.wallMs;
    rows.push({ name: `${kernel}, vectors`, shape, value: count / millis / 1000, unit: 'M/s' });
  }
  return rows;
}

async function train({ device }: BenchContext): Promise<BenchRow[]> {
  const vectors = noise(10_240 * 128, 6);
  const options = { dimensions: 128, latentDimensions: 32, epochs: 4 };
  using codec = await NeuralCodec.train(device, vectors, options);
  const epochs = codec.history.slice(2).map(({ milliseconds }) => milliseconds);
  const wallMs = epochs.reduce((sum, millis) => sum + millis, 0) / epochs.length;
  return [{ name: 'NeuralCodec.train, an epoch', shape: '10240 x 128 to 32', wallMs }];
}

export function run(context: BenchContext): Promise<BenchRow[]> {
  return context.collect(name, {
    'NeuralCodec.decodeFlat': () => decode(context),
    'NeuralCodec.encode': () => encode(context),
    codec_kernels: () => resident(context),
    'NeuralCodec.train': () => train(context),
  });
}
