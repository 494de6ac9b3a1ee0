// Symbol.dispose and Symbol.asyncDispose where the JavaScript engine lacks them; import it before a class that names one.
for (const name of ['dispose', 'asyncDispose'] as const) {
  if ((Symbol as unknown as Record<string, symbol | undefined>)[name] !== undefined) continue;
  Object.defineProperty(Symbol, name, { value: Symbol(`Symbol.${name}`), configurable: false, writable: false });
}
