// Classes whose instances only the package itself makes: their constructors take a token that nobody else has.

export const TOKEN: unique symbol = Symbol('wavetile');
export type Token = typeof TOKEN;

/** `new name(…)` by a user is a TypeError that says what makes one: `way` is such as `device.tensor`. */
export function checkToken(token: unknown, name: string, way: string): void {
  if (token !== TOKEN) throw new TypeError(`${name} has no public constructor: use ${way}`);
}
