// The programs used last, by what they were recorded for.
import type { Program } from '../runtime/program.js';

export class ProgramCache implements Disposable {
  readonly #most: number;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The program of that key, recorded when it is not there. The one that was not used for longest makes room. */
  get(key: string, record: () => Promise<Program>): Promise<Program> {
    const known = this.#programs.get(key);
    this.#programs.delete(key);
    const program = known ?? record();
    this.#programs.set(key, program);
    if (!known) program.catch(() => this.#programs.delete(key));
    for (const [oldest, dropped] of this.#programs) {
      if (this.#programs.size <= this.#most) break;
      this.#programs.delete(oldest);
      void disposeOf(dropped);
    }
    return program;
  }

  dispose(): void {
    for (const program of this.#programs.values()) void disposeOf(program);
    this.#programs.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Runs in flight complete. */
async function disposeOf(program: Promise<Program>): Promise<void> {
  try {
    (await program).dispose();
  } catch {
    // It was never recorded; who asked for it knows.
  }
}
