// Member functions qualified with an address space: C++ has one `this`, so only the plain or `thread` one stays.

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
