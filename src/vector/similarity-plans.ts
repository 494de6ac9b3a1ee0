// Recorded multi-head scores, kept by shape; one that is in use when it has to go is freed after its last use.
import type { Tensor } from '../runtime/tensor.js';
import type { HeadModel } from './head-projection.js';
import { SimilarityPlan, type SimilarityShape, type SimilarityTensors } from './similarity-plan.js';

/** The least recently used go first. */
const PLANS_KEPT = 4;

interface Entry {
  readonly plan: Promise<SimilarityPlan>;
  uses: number;
  kept: boolean;
}

/** A plan that stays usable until it is disposed of. */
interface PlanLease extends Disposable {
  readonly plan: Promise<SimilarityPlan>;
}

export class SimilarityPlans {
  readonly #model: HeadModel;
  readonly #entries = new Map<string, Entry>();

  constructor(model: HeadModel) {
    this.#model = model;
  }

  /** `keptKeys`: those that later calls will bring again. Plans with other tensors of the caller serve this call only. */
  lease(shape: SimilarityShape, tensors: SimilarityTensors, keptKeys: Tensor | undefined): PlanLease {
    const { queries, keys, projectedKeys } = tensors;
    const once = queries !== undefined || keys !== undefined || projectedKeys !== keptKeys;
    const name = `${shape.queries} ${shape.keys} ${shape.k} ${projectedKeys === undefined}`;
    const entry = (once ? undefined : this.#entries.get(name)) ?? {
      plan: SimilarityPlan.record(this.#model, shape, tensors),
      uses: 0,
      kept: !once,
    };
    entry.uses++;
    if (!once) this.#keep(name, entry);
    return {
      plan: entry.plan,
      [Symbol.dispose]: () => {
        entry.uses--;
        free(entry);
      },
    };
  }

  #keep(name: string, entry: Entry): void {
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.plan.catch(() => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    });
    const [oldest] = this.#entries;
    if (this.#entries.size > PLANS_KEPT && oldest !== undefined) this.#drop(...oldest);
  }

  #drop(name: string, entry: Entry): void {
    this.#entries.delete(name);
    entry.kept = false;
    free(entry);
  }

  clear(): void {
    for (const [name, entry] of [...this.#entries]) this.#drop(name, entry);
  }
}

/** A plan that could not be recorded has nothing to dispose of. */
function free({ plan, uses, kept }: Entry): void {
  if (uses > 0 || kept) return;
  plan.then(
    (recorded) => recorded.dispose(),
    () => undefined,
  );
}
