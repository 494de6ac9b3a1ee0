// JSON files that come with models, and typed reading of what stands in them.
import { ComputeError } from '../runtime/errors.js';
import { withInputFile } from './input-file.js';

/** More than any tokenizer.json has. */
const MAX_JSON_BYTES = 256 << 20;

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object in a file. Throws `ComputeError` `INVALID_FILE` where there is something else. */
export function readJson(path: string): Promise<JsonObject> {
  return withInputFile(path, async (file) => {
    if (file.bytes > MAX_JSON_BYTES) throw file.invalid(0, `JSON of ${file.bytes} bytes, more than ${MAX_JSON_BYTES}`);
    const text = Buffer.alloc(file.bytes);
    await file.read(text, 0, 'the text');
    let json: unknown;
    try {
      json = JSON.parse(text.toString('utf8'));
    } catch (cause) {
      throw new ComputeError('INVALID_FILE', `${path}: not JSON`, { cause });
    }
    if (!isObject(json)) throw new ComputeError('INVALID_FILE', `${path}: must be an object`);
    return json;
  });
}

/** Reads keys of an object: undefined where a key is absent or null, `INVALID_FILE` where its value is of another type. */
export class JsonFields {
  readonly path: string;
  readonly json: JsonObject;

  constructor(path: string, json: JsonObject) {
    this.path = path;
    this.json = json;
  }

  value(key: string): unknown {
    return Object.hasOwn(this.json, key) ? (this.json[key] ?? undefined) : undefined;
  }

  number(key: string): number | undefined {
    return this.#typed(key, 'a number', (value) => typeof value === 'number');
  }

  boolean(key: string): boolean | undefined {
    return this.#typed(key, 'true or false', (value) => typeof value === 'boolean');
  }

  string(key: string): string | undefined {
    return this.#typed(key, 'a string', (value) => typeof value === 'string');
  }

  object(key: string): JsonFields | undefined {
    const json = this.#typed<JsonObject>(key, 'an object', isObject);
    return json && new JsonFields(this.path, json);
  }

  numbers(key: string): number[] | undefined {
    const isList = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'number');
    return this.#typed(key, 'a list of numbers', isList);
  }

  strings(key: string): string[] | undefined {
    const isList = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string');
    return this.#typed(key, 'a list of strings', isList);
  }

  required(key: string): number {
    const value = this.number(key);
    if (value === undefined) throw new ComputeError('INVALID_FILE', `${this.path}: '${key}' is missing`);
    return value;
  }

  #typed<T>(key: string, expectation: string, matches: (value: unknown) => boolean): T | undefined {
    const value = this.value(key);
    if (value === undefined || matches(value)) return value as T | undefined;
    throw new ComputeError('INVALID_FILE', `${this.path}: '${key}' must be ${expectation}`);
  }
}
