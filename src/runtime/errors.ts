// The error for everything outside the caller's control, and the native side's errors turned into it.

/** What went wrong, for a program to act on. */
export type ComputeErrorCode =
  | 'OUT_OF_MEMORY'
  | 'DEVICE_LOST'
  | 'NO_DEVICE'
  | 'UNSUPPORTED'
  | 'INVALID_FILE'
  | 'DISPOSED';

export interface ComputeErrorOptions {
  suggestion?: string | undefined;
  cause?: unknown;
}

const CODES: ReadonlySet<unknown> = new Set<ComputeErrorCode>([
  'OUT_OF_MEMORY',
  'DEVICE_LOST',
  'NO_DEVICE',
  'UNSUPPORTED',
  'INVALID_FILE',
  'DISPOSED',
]);

/**
 * Trouble with the environment: a full or lost device, a broken file, something used after its disposal.
 * Misuse of the API is a `TypeError` or a `RangeError` instead.
 *
 * @example
 * try {
 *   device.tensor('f32', [2 ** 40]);
 * } catch (error) {
 *   if (error instanceof ComputeError && error.code === 'OUT_OF_MEMORY') console.error(error.suggestion);
 * }
 */
export class ComputeError extends Error {
  override readonly name = 'ComputeError';
  readonly code: ComputeErrorCode;
  /** What can be done about it, where something can. */
  readonly suggestion?: string;

  constructor(code: ComputeErrorCode, message: string, options: ComputeErrorOptions = {}) {
    const { suggestion, cause } = options;
    super(suggestion ? `${message} (${suggestion})` : message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (suggestion) this.suggestion = suggestion;
  }
}

interface NativeError extends Error {
  code: ComputeErrorCode;
  suggestion?: string;
}

function isCoded(error: unknown): error is NativeError {
  return error instanceof Error && CODES.has((error as { code?: unknown }).code);
}

const SUGGESTIONS: Partial<Record<ComputeErrorCode, string>> = {
  OUT_OF_MEMORY: 'dispose tensors and programs that are no longer needed; device.memory() shows what is in use',
  DEVICE_LOST: 'open a new device; everything that was on this one is gone',
};

/** A `ComputeError` with the caller's stack for a native error of the operation `where`. Others stay as they are. */
export function fromNative(where: string, error: unknown): unknown {
  if (error instanceof ComputeError || !(error instanceof Error)) return error;
  if (!isCoded(error)) {
    error.message = `${where}: ${error.message}`;
    return error;
  }
  const suggestion = error.suggestion ?? SUGGESTIONS[error.code];
  return new ComputeError(error.code, `${where}: ${error.message}`, suggestion ? { suggestion } : {});
}

/** Calls `work`; what the native side throws or rejects with comes out as `fromNative` says. */
export function calling<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fromNative(where, error);
  }
}

export async function awaiting<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromNative(where, error);
  }
}
