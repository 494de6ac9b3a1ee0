// Compiles and runs .metal files on software Metal, each in a process of its own.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { clangProgram } from '../../scripts/setup/clang.mjs';

const root = resolve(import.meta.dirname, '../..');
export const programs = join(root, 'build/test/software-metal');
export const compiler = join(import.meta.dirname, 'emulator/compile.mjs');

/** `fast` for numbers, `checked` for races and bounds, `syntax` for what Apple's compiler would refuse. */
export type Build = 'fast' | 'checked' | 'syntax';
/** Of macOS 14, and from macOS 15 on. */
export const languages = ['metal3.1', 'metal3.2'] as const;
export type Language = (typeof languages)[number];
export type Size = readonly [number, number?, number?];
export type Data = Float32Array | Uint32Array | Uint16Array;

export interface KernelRun {
  readonly kernel: string;
  readonly groups: Size;
  readonly threads: Size;
  /** By index; a kernel's results replace what they hold. */
  readonly buffers: Readonly<Record<number, Data>>;
  /** What is bound with setBytes, by index. */
  readonly bytes?: Readonly<Record<number, Data>>;
  /** Bytes of threadgroup memory, by index. */
  readonly memory?: Readonly<Record<number, number>>;
  readonly constants?: Readonly<Record<number, number | boolean>>;
}

interface Ended {
  readonly status: number;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever that is. */
export function end(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((done) => {
    execFile(
      program,
      args,
      { env: { ...process.env, ...env }, encoding: 'utf8', timeout: 60_000 },
      (error, stdout, stderr) => {
        const status = error ? Number(error.code ?? -1) : 0;
        done({ status, signal: error?.signal ?? undefined, stdout, stderr });
      },
    );
  });
}

/** Why nothing can run here, or undefined. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'software Metal runs on Linux on x86-64';
  if (!clangProgram()) return 'clang-19 is not installed';
  if (!existsSync(join(programs, 'software_metal_run'))) return `${programs} is not built (npm test builds it)`;
  return undefined;
}

/** Goes away after the tests of the file or `describe` that asks for it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'software-metal-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Returns what the compiler said, '' for nothing, and the library. */
export async function compile(
  source: string,
  {
    build,
    language = 'metal3.1',
    fastMath = false,
    folder,
  }: { build: Build; language?: Language; fastMath?: boolean; folder: string },
): Promise<{ messages: string; library: string; isCompiled: boolean }> {
  const suffix = `${fastMath ? 'fast-math' : build}.metallib`;
  const library = join(folder, basename(source).replace('metal', suffix));
  const flags = ['--std', language, ...(build === 'fast' ? [] : [`--${build}`]), ...(fastMath ? ['--fast-math'] : [])];
  const { status, stderr } = await end(process.execPath, [compiler, ...flags, source, library]);
  return { messages: stderr, library, isCompiled: status === 0 };
}

const hex = (data: Data): string => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');

function optionsOf(run: KernelRun, paths: ReadonlyMap<number, string>): string[] {
  const constantOf = (value: number | boolean) =>
    typeof value === 'boolean' ? `bool:${Number(value)}` : `uint:${value}`;
  const option = (name: string, values: Iterable<readonly [number | string, string | number]>) =>
    [...values].flatMap(([index, value]) => [name, `${index}:${value}`]);
  return [
    ...['--groups', run.groups.join(','), '--threads', run.threads.join(',')],
    ...option('--buffer', paths),
    ...option(
      '--bytes',
      Object.entries(run.bytes ?? {}).map(([index, data]) => [index, hex(data)] as const),
    ),
    ...option('--memory', Object.entries(run.memory ?? {})),
    ...option(
      '--constant',
      Object.entries(run.constants ?? {}).map(([index, value]) => [index, constantOf(value)] as const),
    ),
  ];
}

/** Runs a kernel once. Returns the problems found, a line for each, and what its buffers hold then. */
export async function runKernel(
  library: string,
  run: KernelRun,
  { isReversed = false } = {},
): Promise<{ problems: string[]; liveObjects: number; buffers: ReadonlyMap<number, Data> }> {
  const folder = mkdtempSync(join(tmpdir(), 'software-metal-'));
  const paths = new Map(Object.keys(run.buffers).map((index) => [Number(index), join(folder, index)]));
  for (const [index, path] of paths) writeFileSync(path, run.buffers[index] as Data);
  const args = [library, run.kernel, ...optionsOf(run, paths)];
  const order: Record<string, string> = isReversed ? { SOFTWARE_METAL_ORDER: 'reverse' } : {};
  const { stdout, stderr, signal } = await end(join(programs, 'software_metal_run'), args, order);
  const lines = stdout.trimEnd().split('\n');
  const live = /^live objects: (\d+)$/.exec(lines.at(-1) ?? '');
  if (!live) throw new Error(`${run.kernel} ended with ${signal}: ${stderr}`);
  const buffers = new Map<number, Data>();
  for (const [index, path] of paths) {
    const bytes = new Uint8Array(readFileSync(path));
    const Type = run.buffers[index]?.constructor as new (buffer: ArrayBuffer) => Data;
    buffers.set(index, new Type(bytes.buffer));
  }
  rmSync(folder, { recursive: true });
  return { problems: lines.slice(0, -1), liveObjects: Number(live[1]), buffers };
}
