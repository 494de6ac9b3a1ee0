// Constants at program scope: function constants, those derived from them, and plain tables.
import { attributesIn } from './attributes.mjs';

/** A function constant's companion that says whether it has a value. */
export const definedName = (name) => `software_metal_has_${name}`;

export function rewriteDefinedQueries(tokens) {
  for (let i = 0; i < tokens.length; i++) {
    if (tokens.at(i) !== 'is_function_constant_defined') continue;
    tokens.replace(i, definedName(tokens.at(i + 2)));
    tokens.blank(i + 1, i + 4);
  }
}

function expression(text) {
  return text
    .replace(/is_function_constant_defined\s*\(\s*(\w+)\s*\)/g, (_, name) => definedName(name))
    .replace(/\b(u?(?:char|short|int|long)|half|float|bfloat|bool)([234])\s*\(/g, 'metal::detail::make<$1$2>(');
}

const typeOf = (tokens, begin, end) =>
  tokens
    .text(begin, end)
    .replace(/\b(constant|const|constexpr)\b\s*/g, '')
    .trim();

function declareFunctionConstant(unit, { begin, end, attribute }) {
  const { tokens } = unit;
  const name = tokens.at(attribute.first - 1);
  const type = typeOf(tokens, begin, attribute.first - 1);
  unit.constants.push({ name, type, index: attribute.value });
  tokens.replace(
    begin,
    `__attribute__((unused)) static ${type} ${name}{}; __attribute__((unused)) static bool ${definedName(name)} = false`,
  );
  tokens.blank(begin + 1, end);
}

function declareDerived(unit, { begin, equals, end, uses }) {
  const { tokens } = unit;
  let name = equals - 1;
  if (tokens.at(name) === ']]') name = tokens.matchBack(name) - 1;
  const type = typeOf(tokens, begin, name);
  unit.derived.push({ name: tokens.at(name), expression: expression(tokens.text(equals + 1, end)), uses });
  tokens.replace(begin, `static ${type} ${tokens.at(name)}{}`);
  tokens.blank(begin + 1, end);
}

/** The declaration [begin, end), where it is one of a constant. */
export function declareConstant(unit, begin, end) {
  const { tokens } = unit;
  if (![';', '{'].includes(tokens.at(end))) return;
  let word = begin;
  while (word < end && !['constant', '=', '('].includes(tokens.at(word))) word++;
  if (tokens.at(word) !== 'constant' || word >= end) return;
  const attribute = attributesIn(tokens, begin, end).find(({ name }) => name === 'function_constant');
  if (attribute) return declareFunctionConstant(unit, { begin, end, attribute });
  let equals = begin;
  while (equals < end && tokens.at(equals) !== '=') equals++;
  const known = new Set([...unit.constants, ...unit.derived].map(({ name }) => name));
  const uses = tokens.list
    .slice(equals, end)
    .map(({ text }) => text)
    .filter((text) => known.has(text));
  if (uses.length > 0) return declareDerived(unit, { begin, equals, end, uses });
  tokens.replace(word, 'MSL_CONSTANT_GLOBAL');
  for (let i = begin; i < equals; i++) if (['static', 'constexpr'].includes(tokens.at(i))) tokens.replace(i, '');
}
