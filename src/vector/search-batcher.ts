// Micro-batching: searches that arrive together, or while the device is busy, become one program run.

export interface BatchResult {
  readonly slots: Uint32Array;
  readonly values: Float32Array;
}

/** What makes two searches one: they differ only in their queries. */
export interface BatchKey {
  readonly k: number;
  readonly probes: number;
}

interface Waiting {
  readonly key: BatchKey;
  readonly queries: Float32Array;
  readonly count: number;
  /** Whoever waits has been told where it is aborted: nothing is left to do. */
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs that may be on their way at a time: one on the device, one prepared behind it. */
const RUNS_IN_FLIGHT = 2;

type RunBatch = (queries: Float32Array, count: number, key: BatchKey) => Promise<BatchResult>;

export class SearchBatcher {
  readonly #dimensions: number;
  readonly #maxRows: number;
  readonly #run: RunBatch;
  #waiting: Waiting[] = [];
  #running = 0;
  #scheduled = false;

  constructor(shape: { dimensions: number; maxRows: number }, run: RunBatch) {
    this.#dimensions = shape.dimensions;
    this.#maxRows = shape.maxRows;
    this.#run = run;
  }

  /**
   * Waits no longer than the current tick when the device is free, else until a run ends. Never settles where it is
   * aborted while it waits.
   */
  search(queries: Float32Array, count: number, key: BatchKey, signal?: AbortSignal): Promise<BatchResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, queries, count, signal, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#flush();
      });
    });
  }

  #flush(): void {
    this.#waiting = this.#waiting.filter(({ signal }) => !signal?.aborted);
    while (this.#waiting.length > 0 && this.#running < RUNS_IN_FLIGHT) {
      const batch = this.#take();
      this.#running++;
      this.#serve(batch).finally(() => {
        this.#running--;
        this.#flush();
      });
    }
  }

  /** The oldest search and all that can share its run. */
  #take(): Waiting[] {
    const first = this.#waiting.shift() as Waiting;
    const batch = [first];
    let rows = first.count;
    for (let i = 0; i < this.#waiting.length; ) {
      const next = this.#waiting[i] as Waiting;
      const fits = rows + next.count <= this.#maxRows;
      if (fits && next.key.k === first.key.k && next.key.probes === first.key.probes) {
        rows += next.count;
        batch.push(next);
        this.#waiting.splice(i, 1);
      } else i++;
    }
    return batch;
  }

  async #serve(batch: Waiting[]): Promise<void> {
    const [first] = batch as [Waiting];
    try {
      if (batch.length === 1) return first.resolve(await this.#run(first.queries, first.count, first.key));
      this.#distribute(batch, await this.#run(...this.#join(batch), first.key));
    } catch (error) {
      // One search's bad query must not fail its neighbours.
      if (batch.length === 1) first.reject(error);
      else for (const search of batch) if (!search.signal?.aborted) await this.#serve([search]);
    }
  }

  #join(batch: Waiting[]): [Float32Array, number] {
    const count = batch.reduce((sum, search) => sum + search.count, 0);
    const queries = new Float32Array(count * this.#dimensions);
    let at = 0;
    for (const search of batch) {
      queries.set(search.queries, at);
      at += search.queries.length;
    }
    return [queries, count];
  }

  #distribute(batch: Waiting[], { slots, values }: BatchResult): void {
    let at = 0;
    for (const { count, key, resolve } of batch) {
      const end = at + count * key.k;
      resolve({ slots: slots.slice(at, end), values: values.slice(at, end) });
      at = end;
    }
  }
}
