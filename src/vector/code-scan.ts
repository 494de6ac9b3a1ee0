// Distances of queries to one run of code rows: the inverted index's scan kernel over a single list, without residuals.
import type { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Codebooks } from './codebooks.js';
import { GROUP, linearGrid, roundUp, TILE } from './layout.js';
import type { PackedRows } from './packed-rows.js';

export class CodeScan implements Disposable {
  readonly #device: Device;
  readonly #codebooks: Codebooks;
  readonly #rows: number;
  readonly #interleaved: Tensor;

  constructor(device: Device, codebooks: Codebooks, rows: number) {
    this.#device = device;
    this.#codebooks = codebooks;
    this.#rows = rows;
    this.#interleaved = device.tensor('u32', [roundUp(rows, TILE) * codebooks.codeChunks * 4]);
  }

  /** [queries × rows] squared distances. `words`: row-major code rows. */
  async distances(queries: PackedRows, words: Tensor, signal?: AbortSignal): Promise<Float32Array> {
    const { layout, codeWords, codeChunks } = this.#codebooks;
    const device = this.#device;
    const rows = this.#rows;
    const groupCount = roundUp(rows, TILE) / GROUP;
    using groups = await device.tensorFrom(Uint32Array.from({ length: groupCount }, (_, i) => i));
    using listBegin = await device.tensorFrom(Uint32Array.of(0, groupCount));
    using listRows = await device.tensorFrom(Uint32Array.of(rows));
    using zeros = device.tensor('u32', [queries.rows]);
    using invalid = device.tensor('u32', [1]);
    using distances = device.tensor('f32', [queries.rows * rows]);
    using program = await device.record((recorder) => {
      recorder.fill(zeros, 0);
      recorder.fill(invalid, 0);
      recorder.dispatch('pack_rows', {
        buffers: { source: words, packed: this.#interleaved, firstInvalid: invalid },
        params: {
          rows,
          paddedRows: roundUp(rows, TILE),
          dimensions: codeWords,
          subdimensions: codeWords,
          chunks: codeChunks,
        },
        constants: { check: 0, normalize: 0 },
        grid: linearGrid(groupCount),
      });
      recorder.dispatch('scan_codes', {
        buffers: {
          queries: queries.tensor,
          centroids: this.#codebooks.tensor,
          codebooks: this.#codebooks.tensor,
          probes: zeros,
          offsets: zeros,
          listBegin,
          groups,
          listRows,
          codes: this.#interleaved,
          distances,
        },
        params: {
          probeCount: 1,
          chunks: layout.chunks,
          subspaces: layout.subspaces,
          subspaceChunks: layout.subspaceChunks,
          codeChunks,
          codewords: this.#codebooks.codewords,
          stride: rows,
          firstGroup: 0,
          groupCount,
        },
        constants: { metric: 0, bits: this.#codebooks.bits, residual: 0 },
        grid: [1, queries.rows, Math.min(64, Math.ceil(rows / 256))],
      });
    });
    const { outputs } = await program.run({ read: [distances], signal });
    return outputs[0] as Float32Array;
  }

  dispose(): void {
    this.#interleaved.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
