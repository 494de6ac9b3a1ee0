// Vector constructors T(...) and casts (T)x become calls: clang's vectors have no such syntax.
import { addressSpaces } from './rules.mjs';

const scalars = ['char', 'uchar', 'short', 'ushort', 'int', 'uint', 'long', 'ulong', 'half', 'float', 'bfloat', 'bool'];

/** Names that are or may stand for vector types: aliases and template parameters too. */
export function vectorTypeNames(tokens) {
  const names = new Set();
  for (const scalar of scalars) {
    for (const width of [2, 3, 4]) {
      names.add(`${scalar}${width}`);
      if (scalar !== 'bool') names.add(`packed_${scalar}${width}`);
    }
  }
  for (let i = 0; i < tokens.length; i++) {
    const text = tokens.at(i);
    if (text === 'using' && tokens.at(i + 2) === '=') names.add(tokens.at(i + 1));
    const isParameter = (text === 'typename' || text === 'class') && tokens.isName(i + 1);
    if (isParameter && /^[,>=]$/.test(tokens.at(i + 2) ?? '')) names.add(tokens.at(i + 1));
    if (text === 'typedef') {
      let end = i;
      while (tokens.at(end) !== ';') end = tokens.at(end) === '{' ? tokens.match(end) + 1 : end + 1;
      if (tokens.isName(end - 1)) names.add(tokens.at(end - 1));
    }
  }
  return names;
}

const notConstructors = ['typename', 'class', 'using', 'operator', '~', 'struct', '.', '->'];

function isConstructor(tokens, i, last) {
  if (tokens.at(last + 1) !== '(') return false;
  const before = tokens.before(i);
  if (notConstructors.includes(before)) return false;
  // `device T (&name)[n]` declares.
  const mayDeclare = addressSpaces.has(before) || ['const', ';', '{', '}', ','].includes(before);
  return !(mayDeclare && ['&', '*'].includes(tokens.at(last + 2)));
}

function isCast(tokens, i, last) {
  if (tokens.before(i) !== '(' || tokens.at(last + 1) !== ')') return false;
  const operand = tokens.list[last + 2];
  const isOperand = operand?.kind === 'name' || operand?.kind === 'number' || operand?.text === '(';
  return isOperand && !tokens.isName(i - 2);
}

export function rewriteVectors(tokens, typeNames) {
  for (let i = 0; i < tokens.length; i++) {
    if (!tokens.isName(i)) continue;
    const isTemplate = tokens.at(i) === 'vec' && tokens.at(i + 1) === '<';
    if (!isTemplate && !typeNames.has(tokens.at(i))) continue;
    const last = isTemplate ? tokens.matchAngle(i + 1) : i;
    if (last < 0) continue;
    const type = tokens.text(i, last + 1);
    if (isConstructor(tokens, i, last)) {
      tokens.replace(i, `metal::detail::make<${type}>`);
      tokens.blank(i + 1, last + 1);
      if (tokens.at(i - 1) === '::' && tokens.at(i - 2) === 'metal') tokens.blank(i - 2, i);
      i = last;
    } else if (isCast(tokens, i, last)) {
      tokens.replace(i - 1, `metal::detail::Cast<${type}>{} ->* `);
      tokens.blank(i, last + 2);
      i = last + 1;
    }
  }
}
