// Benchmark rows as a table: rates, and the share of what the device was measured to reach.
import type { BenchRow, Ceilings } from './context.js';

const HEAD = ['name', 'shape', 'device ms', 'wall ms', 'GB/s', 'GFLOP/s', 'of ceiling', 'note'];

export interface Rates {
  gigabytesPerSecond?: number;
  gigaflops?: number;
  /** Of the nearer ceiling, 0 to 1. */
  share?: number;
}

export function ratesOf({ bytes, flops, deviceMs, wallMs }: BenchRow, ceilings: Ceilings): Rates {
  const seconds = (deviceMs ?? wallMs ?? Number.NaN) / 1000;
  const bytesShare = (bytes ?? 0) / seconds / ceilings.readBytesPerSecond;
  const flopsShare = (flops ?? 0) / seconds / ceilings.flopsPerSecond;
  const share = Math.max(bytesShare, flopsShare);
  return {
    ...(bytes === undefined ? {} : { gigabytesPerSecond: bytes / seconds / 1e9 }),
    ...(flops === undefined ? {} : { gigaflops: flops / seconds / 1e9 }),
    ...(share > 0 ? { share } : {}),
  };
}

function number(value: number | undefined): string {
  if (value === undefined) return '';
  if (value >= 100) return value.toFixed(0);
  return value >= 1 ? value.toFixed(2) : value.toPrecision(3);
}

function cells(row: BenchRow, ceilings: Ceilings): string[] {
  const { gigabytesPerSecond, gigaflops, share } = ratesOf(row, ceilings);
  const note = [row.value === undefined ? '' : `${number(row.value)} ${row.unit ?? ''}`, row.note ?? '']
    .filter(Boolean)
    .join(', ');
  const percent = share === undefined ? '' : `${Math.round(share * 100)}%`;
  return [
    row.name,
    row.shape ?? '',
    number(row.deviceMs),
    number(row.wallMs),
    number(gigabytesPerSecond),
    number(gigaflops),
    percent,
    note,
  ];
}

export function formatTable(rows: readonly BenchRow[], ceilings: Ceilings): string {
  const lines = [HEAD, ...rows.map((row) => cells(row, ceilings))];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const isText = (column: number) => column < 2 || column === HEAD.length - 1;
  const format = (line: string[]) =>
    line
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ');
  return lines.map((line) => format(line).trimEnd()).join('\n');
}
