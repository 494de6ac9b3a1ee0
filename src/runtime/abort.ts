// Work that an AbortSignal can leave behind.

/** What everything takes that can be aborted. */
export interface AbortOptions {
  /** Rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Rejects with `signal.reason` as soon as it aborts, and at once where it has. The work itself goes on in the
 * background and keeps its memory.
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
