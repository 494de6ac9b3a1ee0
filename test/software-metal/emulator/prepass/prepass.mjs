// Turns a preprocessed .metal file into C++ for metal_library/msl.hpp.
import { blankUnknownAttributes } from './attributes.mjs';
import { declareConstant, rewriteDefinedQueries } from './constants.mjs';
import { declareIfKernel } from './kernels.mjs';
import { dropQualifiedMembers } from './members.mjs';
import { registration } from './registration.mjs';
import { checkPointers, checkWords, suffixLiterals } from './rules.mjs';
import { declareThreadgroupVariables } from './threadgroup.mjs';
import { Tokens } from './tokens.mjs';
import { rewriteVectors, vectorTypeNames } from './vectors.mjs';

/** What one file declares. */
class Unit {
  kernels = new Map();
  instantiations = [];
  constants = [];
  derived = [];
  /** Names in the bodies of functions, by the function's name. */
  bodies = new Map();
  /** Open braces: the name of a namespace ('' where it has none), or undefined. */
  scopes = [];

  constructor(tokens) {
    this.tokens = tokens;
  }

  isNamespaceScope() {
    return this.scopes.every((name) => name !== undefined);
  }

  scopePath() {
    return this.scopes.map((name) => (name ? `${name}::` : '')).join('');
  }

  /** The brace at `i` opens. */
  enter(i) {
    const { tokens } = this;
    let name;
    if (tokens.at(i - 1) === 'namespace') name = '';
    else if (tokens.at(i - 2) === 'namespace') name = tokens.at(i - 1);
    else if (tokens.at(i - 1)?.startsWith('"') && tokens.at(i - 2) === 'extern') name = '';
    else if (this.isNamespaceScope() && tokens.before(i) === ')') this.#noteBody(i);
    this.scopes.push(name);
  }

  #noteBody(i) {
    const { tokens } = this;
    const name = tokens.at(tokens.matchBack(tokens.indexBefore(i)) - 1);
    const names = this.bodies.get(name) ?? new Set();
    for (let k = i, end = tokens.match(i); k < end; k++) if (tokens.isName(k)) names.add(tokens.at(k));
    this.bodies.set(name, names);
  }
}

/** Index of the semicolon or brace that ends the declaration at `i`. */
function declarationEnd(tokens, i) {
  for (; i < tokens.length; i++) {
    if ([';', '{', '}'].includes(tokens.at(i))) return i;
    if (['(', '[', '[['].includes(tokens.at(i))) i = tokens.match(i);
  }
  return tokens.length;
}

function readDeclarations(unit) {
  const { tokens } = unit;
  let seen = 0;
  for (let i = 0; i < tokens.length; i++) {
    const text = tokens.at(i);
    if (text === '}') unit.scopes.pop();
    else if (text === '{') unit.enter(i);
    else if (unit.isNamespaceScope()) {
      if (i < seen || !tokens.isStart(i)) continue;
      seen = declarationEnd(tokens, i);
      if (!declareIfKernel(unit, i, seen)) declareConstant(unit, i, seen);
    } else if (text === 'threadgroup' && tokens.isStart(i)) i = declareThreadgroupVariables(tokens, i);
  }
}

/** Returns C++ and what is wrong with the source. `isSyntaxOnly` leaves out the tables that running needs. */
export function translate(source, { file, isSyntaxOnly = false }) {
  const tokens = new Tokens(source, file);
  const unit = new Unit(tokens);
  checkWords(tokens);
  suffixLiterals(tokens);
  const typeNames = vectorTypeNames(tokens);
  readDeclarations(unit);
  dropQualifiedMembers(tokens);
  rewriteDefinedQueries(tokens);
  blankUnknownAttributes(tokens);
  rewriteVectors(tokens, typeNames);
  checkPointers(tokens, typeNames);
  const body = tokens.toString();
  const tables = isSyntaxOnly ? '' : registration(unit, source);
  return { code: `#include "msl.hpp"\n${body}\n${tables}`, errors: tokens.errors };
}
