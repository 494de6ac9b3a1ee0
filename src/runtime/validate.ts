// Argument checks: a TypeError or RangeError that names place, argument, expectation and what was received.

export interface Range {
  min?: number;
  max?: number;
}

/** A short description of any value for an error message. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value))
    return `a ${value.constructor.name} of ${(value as { length?: number }).length ?? '?'}`;
  const name = value.constructor?.name;
  return name && name !== 'Object' ? `a ${name}` : 'an object';
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + change));
    }
    previous = row;
  }
  return previous[b.length];
}

/** The candidate that was probably meant, or undefined. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `, did you mean 'x'?` or nothing. */
export function hint(name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? '' : `, did you mean '${nearest}'?`;
}

/** An object with named members: no list, no array of numbers, not null. */
export function checkObject(where: string, name: string, value: unknown): asserts value is object {
  const isList = Array.isArray(value) || ArrayBuffer.isView(value);
  if (typeof value !== 'object' || value === null || isList) fail(TypeError, where, name, 'an object', value);
}

function checkKeys(where: string, options: object, keys: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (keys.includes(key)) continue;
    throw new TypeError(`${where}: unknown option '${key}'${hint(key, keys) || `; known are ${keys.join(', ')}`}`);
  }
}

/** An options object (or undefined) without keys that are not allowed. */
export function checkOptions(where: string, options: unknown, allowedKeys: readonly string[]): void {
  if (options === undefined) return;
  checkObject(where, 'options', options);
  checkKeys(where, options, allowedKeys);
}

/** An options object (or undefined unless `required`) with these keys at most; checks `signal` and `onProgress`. */
export function checkRunOptions(
  where: string,
  options: unknown,
  keys: readonly string[],
  { required = false }: { required?: boolean } = {},
): void {
  if (options === undefined && !required) return;
  checkObject(where, 'options', options);
  checkKeys(where, options, keys);
  const { signal, onProgress } = options as { signal?: unknown; onProgress?: unknown };
  checkSignal(where, signal);
  if (onProgress !== undefined) checkFunction(where, 'onProgress', onProgress);
}

function rangeText(noun: string, { min, max }: Range): string {
  if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
  if (min !== undefined) return `${noun} of at least ${min}`;
  return max === undefined ? noun : `${noun} of at most ${max}`;
}

function fail(type: typeof TypeError, where: string, name: string, expectation: string, value: unknown): never {
  throw new type(`${where}: ${name} must be ${expectation}, got ${describe(value)}`);
}

function checkNumber(where: string, name: string, value: unknown, expectation: string): number {
  if (typeof value !== 'number') fail(TypeError, where, name, expectation, value);
  return value;
}

const within = (value: number, { min, max }: Range) => value >= (min ?? -Infinity) && value <= (max ?? Infinity);

export function checkInteger(where: string, name: string, value: unknown, range: Range = {}): number {
  const expectation = rangeText('an integer', range);
  const number = checkNumber(where, name, value, expectation);
  if (!Number.isInteger(number) || !within(number, range)) fail(RangeError, where, name, expectation, value);
  return number;
}

export function checkFloat(where: string, name: string, value: unknown, range: Range = {}): number {
  const expectation = rangeText('a finite number', range);
  const number = checkNumber(where, name, value, expectation);
  if (!Number.isFinite(number) || !within(number, range)) fail(RangeError, where, name, expectation, value);
  return number;
}

export function checkOneOf<T extends string | number>(
  where: string,
  name: string,
  value: unknown,
  allowed: Iterable<T>,
): T {
  const list = [...allowed];
  if (list.includes(value as T)) return value as T;
  const expectation = `one of ${list.map(describe).join(', ')}`;
  const meant = typeof value === 'string' ? hint(value, list.map(String)) : '';
  const type = typeof value === typeof list[0] ? RangeError : TypeError;
  throw new type(`${where}: ${name} must be ${expectation}, got ${describe(value)}${meant}`);
}

export function checkBoolean(where: string, name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') fail(TypeError, where, name, 'true or false', value);
  return value;
}

export function checkFunction(where: string, name: string, value: unknown): void {
  if (typeof value !== 'function') fail(TypeError, where, name, 'a function', value);
}

export function checkString(where: string, name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') fail(TypeError, where, name, 'a non-empty string', value);
  return value;
}

export function checkSignal(where: string, value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal)) fail(TypeError, where, 'signal', 'an AbortSignal', value);
}
