// Symbol.dispose where the JavaScript engine lacks it; import it before a class that names the symbol.
const symbols = Symbol as { dispose?: symbol };
if (symbols.dispose === undefined) {
  Object.defineProperty(Symbol, 'dispose', { value: Symbol('Symbol.dispose'), configurable: false, writable: false });
}
