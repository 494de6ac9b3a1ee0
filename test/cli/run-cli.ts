// Runs a command of dist/cli as a user would, on the CPU device unless told otherwise.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRun {
  readonly env?: NodeJS.ProcessEnv;
  /** Piped into the command; by default there is nothing to read. */
  readonly input?: string;
  /** Ctrl-C as soon as something is printed. */
  readonly interrupt?: boolean;
}

const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const WRITER = inRepository('models/demo-lm-7m-q4_0.gguf');
export const EMBEDDER = inRepository('models/demo-embed-7m-q8_0.gguf');

export function runCli(script: 'main' | 'start', args: readonly string[], run: CliRun = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [inRepository(`dist/cli/${script}.js`), ...args], {
      env: { ...process.env, WAVETILE_DEVICE: 'cpu', ...run.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    if (run.interrupt) child.stdout.once('data', () => child.kill('SIGINT'));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    // A command that does not read its input may be gone by now.
    child.stdin.on('error', () => undefined);
    child.stdin.end(run.input ?? '');
  });
}
