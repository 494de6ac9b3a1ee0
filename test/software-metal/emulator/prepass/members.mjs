// Member functions are qualified with an address space. C++ has one `this`, so only the `thread` one stays.
import { checkStatics } from './rules.mjs';

const spaces = ['device', 'constant', 'threadgroup', 'thread'];

function isQualifier(tokens, i) {
  if (!spaces.includes(tokens.at(i)) || !['{', ':', '=', ';'].includes(tokens.at(i + 1))) return false;
  return tokens.at(i - 1) === ')' || (tokens.at(i - 1) === 'const' && tokens.at(i - 2) === ')');
}

/** Index of the token before the member function whose qualifier is at `i`. */
function beforeMember(tokens, i) {
  let j = i - 1;
  for (let depth = 0; j > 0; j--) {
    const text = tokens.at(j);
    if (text === ')' || text === '}') depth++;
    if ((text === '(' || text === '{') && depth-- === 0) break;
    if (j === i - 1) continue;
    if (depth === 0 && (text === ';' || text === '}')) break;
    if (depth === 1 && text === '}') break;
  }
  return j;
}

export function dropQualifiedMembers(tokens) {
  for (let i = 1; i < tokens.length; i++) {
    if (!isQualifier(tokens, i)) continue;
    if (tokens.at(i) === 'thread') {
      tokens.replace(i, '');
      continue;
    }
    let end = i + 1;
    while (!['{', ';'].includes(tokens.at(end))) end = tokens.at(end) === '(' ? tokens.match(end) + 1 : end + 1;
    if (tokens.at(end) === '{') tokens.blank(beforeMember(tokens, i) + 1, tokens.match(end) + 1);
  }
}

/** Index of the parenthesis before a function's parameters in the declaration [begin, end); `end` where it is none. */
function findParameters(tokens, begin, end) {
  for (let i = begin; i < end; i++) {
    if (tokens.at(i) === '=' && tokens.at(i - 1) !== 'operator') return end;
    if (tokens.at(i) === '[[') i = tokens.match(i);
    else if (tokens.at(i) === '<') i = Math.max(i, tokens.matchAngle(i));
    else if (tokens.at(i) === '(') return tokens.at(i - 1) === 'operator' ? i + 2 : i;
  }
  return end;
}

function checkMember(tokens, begin, end) {
  if (['using', 'typedef', 'friend', 'static_assert', ','].includes(tokens.at(begin))) return;
  const words = tokens.list.slice(begin, end).map(({ text }) => text);
  const open = findParameters(tokens, begin, end);
  if (words.includes('static')) {
    if (open === end && !words.includes('constant')) tokens.error(begin, 'a static member that is not constant');
    return;
  }
  if (open === end || ['alignas', '__attribute__'].includes(tokens.at(open - 1))) return;
  let i = tokens.match(open) + 1;
  if (tokens.at(i) === 'const') i++;
  const isDefault = tokens.at(i) === '=' && ['default', 'delete'].includes(tokens.at(i + 1));
  if (!spaces.includes(tokens.at(i)) && !isDefault)
    tokens.error(begin, `member function '${tokens.at(open - 1)}' must name the address space of its object`);
}

/** Index of the brace before the members of the class at `i`, or -1. */
function findMembers(tokens, i) {
  for (let j = i + 1; j < tokens.length; j++) {
    if (tokens.at(j) === '{') return j;
    if (tokens.at(j) === '<') j = tokens.matchAngle(j);
    else if (tokens.at(j) === '[[' || tokens.at(j) === '(') j = tokens.match(j);
    else if (!tokens.isName(j) && !['::', ':', ','].includes(tokens.at(j))) return -1;
    if (j < 0) return -1;
  }
  return -1;
}

/** The address space of `this` is generic from MSL 4.1 on unless it is named. */
export function checkMembers(tokens) {
  for (let i = 0; i < tokens.length; i++) {
    if (!['struct', 'class', 'union'].includes(tokens.at(i)) || /^[<,]$/.test(tokens.at(i - 1) ?? '')) continue;
    const open = findMembers(tokens, i);
    if (open < 0) continue;
    for (let j = open + 1, close = tokens.match(open); j < close; j++) {
      const end = tokens.declarationEnd(j);
      const last = tokens.at(end) === '{' ? tokens.match(end) : end;
      if (end > j) checkMember(tokens, j, end);
      if (findParameters(tokens, j, end) < end) checkStatics(tokens, end, last);
      j = last;
    }
  }
}
