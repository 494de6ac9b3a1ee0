// Work that an AbortSignal can leave behind.

/** What everything takes that can be aborted. */
export interface AbortOptions {
  /** Rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** What waits for each signal. All of it shares one listener: Node takes more than ten for a leak. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

function listenTo(signal: AbortSignal): Set<() => void> {
  const acts = new Set<() => void>();
  waiting.set(signal, acts);
  signal.addEventListener(
    'abort',
    () => {
      for (const act of acts) act();
    },
    { once: true },
  );
  return acts;
}

/** Calls `act` when the signal aborts, at once where it has. Returns what takes that back. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) {
    act();
    return () => undefined;
  }
  const acts = waiting.get(signal) ?? listenTo(signal);
  acts.add(act);
  return () => void acts.delete(act);
}

/**
 * Rejects with `signal.reason` as soon as it aborts, and at once where it has. The work itself goes on in the
 * background and keeps its memory.
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    work.then(resolve, reject).finally(forget);
  });
}
