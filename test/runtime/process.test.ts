// Whole processes: workers that are ended in the middle of work, exit by itself, memory of collected results.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { testDevices } from '../support/devices.js';

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Runs test/runtime/children/<name>.mjs on a backend, on the compiled package. */
function runChild(name: string, backend: string): Promise<Ended> {
  const path = fileURLToPath(new URL(`children/${name}.mjs`, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', path, backend], { timeout: 250_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
}

const present = testDevices.filter(({ missing }) => missing === undefined);

describe.each(present.map(({ backend }) => backend))('a process on %s', (backend) => {
  test.each([
    ['workers', 'opens devices in several workers at once'],
    ['terminate', 'survives workers that are terminated with work in flight'],
    ['exit', 'exits by itself with a device open and nothing pending'],
    ['exit-in-flight', 'may call process.exit with work in flight'],
    ['exit-loading', 'may exit and terminate workers while files are loaded'],
    ['pending', 'stays until a pending promise has settled'],
    ['collect', 'gets the memory of collected results and tensors back'],
    ['garbage', 'survives garbage given to the native functions'],
  ])('%s: it %s', async (name) => {
    expect(await runChild(name, backend)).toEqual({ code: 0, signal: null, output: 'ok\n' });
  });
});
