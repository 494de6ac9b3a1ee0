// Starting other programs: captured output that is shown only when they fail, and lines about what is being done.
import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(import.meta.url), '../../..');

export class SetupError extends Error {}

export function say(text) {
  console.log(`[set-up] ${text}`);
}

/** Runs a program to its end. Its output appears only in the error of a failure. */
export function run(command, args, { env = process.env, cwd = root } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (data) => output.push(data));
    child.stderr.on('data', (data) => output.push(data));
    child.on('error', failed);
    child.on('close', (status, signal) => {
      const text = Buffer.concat(output).toString();
      if (status === 0) done(text);
      else failed(new SetupError(`${command} ${args.join(' ')} ended with ${signal ?? `status ${status}`}:\n${text}`));
    });
  });
}

/** Output of a program that may be missing, or undefined. */
export function ask(command, args, env = process.env) {
  const result = spawnSync(command, args, { encoding: 'utf8', env });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Runs a program that owns the terminal; gives its status. */
export function attend(command, args, env) {
  const child = spawn(command, args, { cwd: root, env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (status) => done(status ?? 1));
  });
}

/** The same, and this process ends with that status. */
export async function handOver(command, args, env) {
  process.exit(await attend(command, args, env));
}
