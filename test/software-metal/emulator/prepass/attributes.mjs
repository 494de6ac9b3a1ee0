// [[attributes]]: finding them, and blanking those that only MSL knows.

/** All of [begin, end): name, value (the text between parentheses, or null), first and last token. */
export function attributesIn(tokens, begin, end) {
  const found = [];
  for (let i = begin; i < end; i++) {
    if (tokens.at(i) !== '[[') continue;
    const last = tokens.match(i);
    for (let j = i + 1; j < last; j++) {
      if (!tokens.isName(j)) continue;
      const name = tokens.at(j);
      let value = null;
      if (tokens.at(j + 1) === '(') {
        const close = tokens.match(j + 1);
        value = tokens.text(j + 2, close);
        j = close;
      }
      found.push({ name, value, first: i, last });
    }
    i = last;
  }
  return found;
}

export function blankAttributes(tokens, attributes) {
  for (const { first, last } of attributes) tokens.blank(first, last + 1);
}

const known = /^(clang|unlikely|likely|maybe_unused|fallthrough|nodiscard)/;

export function blankUnknownAttributes(tokens) {
  for (let i = 0; i < tokens.length; i++) {
    if (tokens.at(i) !== '[[') continue;
    const last = tokens.match(i);
    if (!known.test(tokens.at(i + 1))) tokens.blank(i, last + 1);
    i = last;
  }
}
