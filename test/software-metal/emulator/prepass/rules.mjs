// Rules of the language that clang's C++ does not have: words that MSL lacks, literals, named address spaces.

const banned = new Map([
  ['double', 'MSL has no double'],
  ['new', 'no new'],
  ['delete', 'no delete'],
  ['virtual', 'no virtual functions'],
  ['goto', 'no goto'],
  ['throw', 'no exceptions'],
  ['try', 'no exceptions'],
  ['dynamic_cast', 'no RTTI'],
  ['typeid', 'no RTTI'],
  ['thread_local', 'no thread_local'],
  ['asm', 'no asm'],
]);

export const addressSpaces = new Set([
  'device',
  'constant',
  'threadgroup',
  'thread',
  'threadgroup_imageblock',
  'ray_data',
  'object_data',
]);

const scalar = /^(unsigned|signed|u?(char|short|int|long)|half|float|bfloat|bool|auto|size_t|u?int(8|16|32|64)_t)$/;

export function checkWords(tokens) {
  for (let i = 0; i < tokens.length; i++) {
    const text = tokens.at(i);
    const isDeletedFunction = text === 'delete' && tokens.at(i - 1) === '=';
    if (tokens.isName(i) && banned.has(text) && !isDeletedFunction) tokens.error(i, banned.get(text));
    if (text === 'std' && tokens.at(i + 1) === '::') tokens.error(i, 'MSL has no std::');
  }
}

/** A literal without suffix is a float. */
export function suffixLiterals(tokens) {
  tokens.list.forEach(({ text, kind }, i) => {
    if (kind === 'number' && /^[\d.']+([eE][+-]?\d+)?$/.test(text) && /[.eE]/.test(text)) tokens.replace(i, `${text}f`);
  });
}

/** Walks back over the specifiers before a declarator: their names, and the index of what is before them. */
function specifiersBefore(tokens, i) {
  const names = [];
  for (; i >= 0; i--) {
    const text = tokens.at(i);
    if (text === '' || text === '::' || text === '*') continue;
    if (tokens.isName(i)) names.push(text);
    else if (text === '>') {
      for (let depth = 0; i >= 0; i--) {
        if (tokens.at(i) === '>') depth++;
        if (tokens.at(i) === '<' && --depth === 0) break;
      }
    } else break;
  }
  return { names, start: i };
}

/** `T* name` and `T& name` say where they point to. */
export function checkPointers(tokens, typeNames) {
  const isType = (name) => typeNames.has(name) || scalar.test(name);
  for (let i = 0; i < tokens.length; i++) {
    if (tokens.at(i) !== '*' && tokens.at(i) !== '&') continue;
    if (!tokens.isName(i + 1) || !/^(;|=|,|\)|\[|\[\[|:)$/.test(tokens.at(i + 2) ?? '')) continue;
    const { names, start } = specifiersBefore(tokens, i - 1);
    if (names.some((name) => addressSpaces.has(name)) || !names.some(isType)) continue;
    if (!names.every((name) => name === 'const' || name === 'volatile' || isType(name))) continue;
    if ([';', '{', '}', '(', ','].includes(tokens.at(start)))
      tokens.error(i, `pointer or reference '${tokens.at(i + 1)}' must name an address space`);
  }
}

/** `[` where an expression starts, and a body or parameters after it. */
export function checkLambdas(tokens) {
  for (let i = 0; i < tokens.length; i++) {
    if (tokens.at(i) !== '[') continue;
    const isOperand = tokens.isName(i - 1) || [')', ']', ']]', '>'].includes(tokens.at(i - 1));
    if (isOperand && tokens.at(i - 1) !== 'return') continue;
    if (['(', '{'].includes(tokens.at(tokens.match(i) + 1))) tokens.error(i, 'no lambdas');
  }
}

/** The declaration [begin, end) at program scope: a variable with a value is `constant`. */
export function checkProgramScope(tokens, begin, end) {
  let isConstexpr = false;
  for (let i = begin; i < end; i++) {
    const text = tokens.at(i);
    if (['using', 'typedef', 'constant', '(', 'operator', 'enum', 'namespace'].includes(text)) return;
    if (text === '<') i = Math.max(i, tokens.matchAngle(i));
    if (text === '[[') i = tokens.match(i);
    if (text === 'constexpr') isConstexpr = true;
    if (text === '=') return tokens.error(begin, 'a variable at program scope that is not constant');
  }
  if (isConstexpr) tokens.error(begin, 'a variable at program scope that is not constant');
}

/** In the body [begin, end) of a function. */
export function checkStatics(tokens, begin, end) {
  for (let i = begin; i < end; i++) {
    if (tokens.at(i) !== 'static') continue;
    const words = tokens.list.slice(i, tokens.declarationEnd(i));
    if (!words.some(({ text }) => text === 'constant')) tokens.error(i, 'a static variable in a function');
  }
}

/** What the function calls by name and without template arguments. */
function callsOf(tokens, { begin, end }) {
  const calls = new Set();
  for (let i = begin; i < end; i++) {
    const isOther = ['::', '.', '->'].includes(tokens.at(i - 1));
    if (tokens.isName(i) && tokens.at(i + 1) === '(' && !isOther) calls.add(tokens.at(i));
  }
  return calls;
}

/** Overloads may call each other: functions that have some are left out. */
function checkRecursion({ tokens, functions }) {
  const byName = new Map(functions.map((one) => [one.name, one]));
  for (const { name } of functions.filter((one) => byName.get(one.name) !== one)) byName.delete(name);
  const calls = new Map([...byName].map(([name, one]) => [name, callsOf(tokens, one)]));
  for (const [name, { begin }] of byName) {
    const reached = new Set(calls.get(name));
    for (const called of reached) for (const next of calls.get(called) ?? []) reached.add(next);
    if (reached.has(name)) tokens.error(begin, `'${name}' calls itself`);
  }
}

export function checkFunctions(unit) {
  for (const { begin, end } of unit.functions) checkStatics(unit.tokens, begin, end);
  checkRecursion(unit);
}
