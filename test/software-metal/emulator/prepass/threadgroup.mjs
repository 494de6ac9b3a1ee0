// `threadgroup T name[n];` inside a function: one object for all threads of a threadgroup.

/** Index of the end of the declaration after `i`, and whether it is one of a pointer or reference. */
function readDeclaration(tokens, i) {
  let isPointer = false;
  let end = i + 1;
  while (tokens.at(end) !== ';' && tokens.at(end) !== '=') {
    if (tokens.at(end) === '*' || tokens.at(end) === '&') isPointer = true;
    if (tokens.at(end) === '<') end = tokens.matchAngle(end);
    if (tokens.at(end) === '[' || tokens.at(end) === '(') end = tokens.match(end);
    end++;
  }
  return { end, isPointer };
}

/** Index of the first declared name. */
function findName(tokens, begin, end) {
  for (let i = begin; i < end; i++) {
    if (tokens.at(i) === '<') i = tokens.matchAngle(i);
    else if (tokens.isName(i) && ['[', ';', ','].includes(tokens.at(i + 1))) return i;
  }
  return end;
}

/** Rewrites the variables declared at `i`, the word `threadgroup`. Returns the last index that was read. */
export function declareThreadgroupVariables(tokens, i) {
  const { end, isPointer } = readDeclaration(tokens, i);
  if (isPointer) return i;
  if (tokens.at(end) === '=') tokens.error(i, 'threadgroup variables cannot have initialisers');
  const name = findName(tokens, i + 1, end);
  const type = tokens.text(i + 1, name);
  const variables = tokens
    .text(name, end)
    .split(/,(?![^[(<]*[\])>])/)
    .map((declarator) => {
      const parts = /^(\w+)\s*((?:\[[^\]]*\]\s*)*)$/.exec(declarator.trim());
      if (!parts) tokens.error(i, 'cannot read threadgroup declaration');
      return parts && `MSL_THREADGROUP_VARIABLE(${parts[1]}, ${type}${parts[2]})`;
    });
  tokens.replace(i, variables.join('; '));
  tokens.blank(i + 1, end);
  return end - 1;
}
