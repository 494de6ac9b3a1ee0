// scan_codes over inverted lists of equal length: 16 subspaces of 8 bits, 16 probes.
import { Lists } from '../support/lists.js';
import { layoutOf } from '../support/packed.js';
import { Random } from '../support/random.js';
import { type BenchContext, type BenchRow, timeProgram } from './context.js';
import { noise } from './data.js';

const SUBSPACES = 16;
const PROBES = 16;
const CODEWORDS = 256;
const LIST_ROWS = 1000;

export async function scanCodes(context: BenchContext): Promise<BenchRow[]> {
  const { device } = context;
  const listCount = context.size({ gpu: 1000, cpu: 1000, software: 50 });
  const queryCount = context.size({ gpu: 10_000, cpu: 1000, software: 20 });
  const layout = layoutOf(128, SUBSPACES);
  const random = new Random(11);
  const lists = new Lists(random, {
    sizes: new Array<number>(listCount).fill(LIST_ROWS),
    queryCount: 3,
    probeCount: PROBES,
  });
  const stride = PROBES * LIST_ROWS;
  const probed = Uint32Array.from({ length: queryCount * PROBES }, () => random.below(listCount));
  using queries = await device.tensorFrom(noise(Math.ceil(queryCount / 128) * 128 * 128, 12));
  using centroids = await device.tensorFrom(noise(Math.ceil(listCount / 128) * 128 * 128, 13));
  using codebooks = await device.tensorFrom(noise(CODEWORDS * 128, 14));
  using probes = await device.tensorFrom(probed);
  using offsets = await device.tensorFrom(probed.map((_, i) => (i % PROBES) * LIST_ROWS));
  using listBegin = await device.tensorFrom(lists.listBegin);
  using groups = await device.tensorFrom(lists.groups);
  using listRows = await device.tensorFrom(lists.listRows);
  using codes = await device.tensorFrom(random.words(lists.groupCount * 32 * (SUBSPACES / 4), 2 ** 32));
  using distances = device.tensor('f32', [queryCount * stride]);
  const { chunks, subspaceChunks } = layout;
  const params = {
    probeCount: PROBES,
    chunks,
    subspaces: SUBSPACES,
    subspaceChunks,
    codeChunks: 1,
    codewords: CODEWORDS,
    stride,
    firstGroup: 0,
    groupCount: lists.groupCount,
  };
  using program = await device.record((recorder) => {
    const buffers = { queries, centroids, codebooks, probes, offsets, listBegin, groups, listRows, codes, distances };
    recorder.dispatch('scan_codes', {
      buffers,
      params,
      constants: { metric: 0, bits: 8, residual: 1 },
      grid: [PROBES, queryCount, 1],
    });
  });
  const candidates = queryCount * stride;
  const shape = `${queryCount} queries, ${PROBES} probes x ${LIST_ROWS}, PQ${SUBSPACES}`;
  const times = await timeProgram(program);
  const rate = candidates / (times.deviceMs ?? times.wallMs) / 1e6;
  return [
    { name: 'scan_codes', shape, bytes: candidates * (SUBSPACES + 4), note: `${rate.toFixed(2)} G codes/s`, ...times },
  ];
}
