// npm run bench [-- filter …] [--backend cpu|vulkan] [--index 0] [--json FILE]: every test/bench/*.bench file on one device.
import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Backend, Device } from '../../src/index.js';
import { measureCeilings } from './ceilings.js';
import { type Bench, BenchContext, type BenchRow, type Ceilings } from './context.js';
import { formatTable, ratesOf } from './table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { backend: { type: 'string' }, index: { type: 'string' }, json: { type: 'string' } },
});

async function loadBenches(): Promise<Bench[]> {
  const folder = dirname(fileURLToPath(import.meta.url));
  const files = (await readdir(folder)).filter((file) => /\.bench\.js$/.test(file)).sort();
  return Promise.all(files.map((file) => import(pathToFileURL(join(folder, file)).href) as Promise<Bench>));
}

function describeCeilings(ceilings: Ceilings): string {
  const { readBytesPerSecond, copyBytesPerSecond, flopsPerSecond, stageSeconds } = ceilings;
  const giga = (value: number) => (value / 1e9).toFixed(1);
  const rates = `reads ${giga(readBytesPerSecond)} GB/s, copies ${giga(copyBytesPerSecond)} GB/s`;
  return `${rates}, float32 ${giga(flopsPerSecond)} GFLOP/s, a stage ${(stageSeconds * 1e6).toFixed(2)} µs`;
}

const device = await Device.open({
  ...(values.backend === undefined ? {} : { backend: values.backend as Backend }),
  ...(values.index === undefined ? {} : { index: Number(values.index) }),
});
const ceilings = await measureCeilings(device);
console.log(`${device.info.name} (${device.info.driver}): ${describeCeilings(ceilings)}`);

const context = new BenchContext(device, ceilings, positionals);
const results: (BenchRow & { bench: string })[] = [];
for (const bench of await loadBenches()) {
  const rows = await bench.run(context);
  if (rows.length > 0) console.log(`\n${bench.name}\n${formatTable(rows, ceilings)}`);
  results.push(...rows.map((row) => ({ bench: bench.name, ...row })));
}
if (values.json !== undefined) {
  const rows = results.map((row) => ({ ...row, ...ratesOf(row, ceilings) }));
  await writeFile(values.json, `${JSON.stringify({ device: device.info, ceilings, rows }, null, 2)}\n`);
}
device.dispose();
