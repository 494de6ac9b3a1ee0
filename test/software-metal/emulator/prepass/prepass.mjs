// Turns a preprocessed .metal file into C++ for metal_library/msl.hpp.
import { blankUnknownAttributes } from './attributes.mjs';
import { declareConstant, rewriteDefinedQueries } from './constants.mjs';
import { declareIfKernel } from './kernels.mjs';
import { checkMembers, dropQualifiedMembers } from './members.mjs';
import { registration } from './registration.mjs';
import {
  checkFunctions,
  checkLambdas,
  checkPointers,
  checkProgramScope,
  checkWords,
  suffixLiterals,
} from './rules.mjs';
import { declareThreadgroupBytes, declareThreadgroupVariables } from './threadgroup.mjs';
import { Tokens } from './tokens.mjs';
import { rewriteVectors, vectorTypeNames } from './vectors.mjs';

/** What one file declares. */
class Unit {
  kernels = new Map();
  /** The one that is being read, unless that is another function. */
  kernel = null;
  instantiations = [];
  constants = [];
  derived = [];
  /** Names in the bodies of functions, by the function's name. */
  bodies = new Map();
  /** Bodies of functions: name, first and last token. */
  functions = [];
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
    const end = tokens.match(i);
    this.functions.push({ name, begin: i, end });
    if (this.kernel) Object.assign(this.kernel, { begin: i, end });
    const names = this.bodies.get(name) ?? new Set();
    for (let k = i; k < end; k++) if (tokens.isName(k)) names.add(tokens.at(k));
    this.bodies.set(name, names);
  }
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
      seen = tokens.declarationEnd(i);
      unit.kernel = null;
      checkProgramScope(tokens, i, seen);
      if (!declareIfKernel(unit, i, seen)) declareConstant(unit, i, seen);
    } else if (text === 'threadgroup' && tokens.isStart(i)) i = declareThreadgroupVariables(unit, i);
  }
}

/** Returns C++ and what is wrong with the source. `isSyntaxOnly` leaves out the tables that running needs. */
export function translate(source, { file, isSyntaxOnly = false }) {
  const tokens = new Tokens(source, file);
  const unit = new Unit(tokens);
  checkWords(tokens);
  checkLambdas(tokens);
  checkMembers(tokens);
  suffixLiterals(tokens);
  const typeNames = vectorTypeNames(tokens);
  readDeclarations(unit);
  checkFunctions(unit);
  dropQualifiedMembers(tokens);
  rewriteDefinedQueries(tokens);
  blankUnknownAttributes(tokens);
  rewriteVectors(tokens, typeNames);
  checkPointers(tokens, typeNames);
  declareThreadgroupBytes(unit);
  const body = tokens.toString();
  const tables = isSyntaxOnly ? '' : registration(unit, source);
  return { code: `#include "msl.hpp"\n${body}\n${tables}`, errors: tokens.errors };
}
