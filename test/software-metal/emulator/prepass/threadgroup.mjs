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
export function declareThreadgroupVariables({ tokens, kernel }, i) {
  const { end, isPointer } = readDeclaration(tokens, i);
  if (isPointer) return i;
  if (!kernel) tokens.error(i, 'threadgroup variables are for kernels, not for other functions');
  if (tokens.at(end) === '=') tokens.error(i, 'threadgroup variables cannot have initialisers');
  const name = findName(tokens, i + 1, end);
  const type = tokens.text(i + 1, name);
  const variables = tokens
    .text(name, end)
    .split(/,(?![^[(<]*[\])>])/)
    .map((declarator) => {
      const parts = /^(\w+)\s*((?:\[[^\]]*\]\s*)*)$/.exec(declarator.trim());
      if (!parts) tokens.error(i, 'cannot read threadgroup declaration');
      if (parts) kernel?.threadgroupTypes.push(`${type}${parts[2]}`);
      return parts && `MSL_THREADGROUP_VARIABLE(${parts[1]}, ${type}${parts[2]})`;
    });
  tokens.replace(i, variables.join('; '));
  tokens.blank(i + 1, end);
  return end - 1;
}

/** The constant after a kernel that says how many bytes its threadgroup variables have. */
const bytesName = (kernel) => `software_metal_bytes_of_${kernel}`;

/** Adds that constant; not for templates, nor where an array's size is a constant of the kernel's own. */
export function declareThreadgroupBytes({ tokens, kernels }) {
  for (const [name, kernel] of kernels) {
    const { threadgroupTypes, isTemplate, begin, end } = kernel;
    if (isTemplate || end === undefined || threadgroupTypes.length === 0) continue;
    const used = new Set(threadgroupTypes.join(' ').match(/[A-Za-z_]\w*/g));
    const body = tokens.list.slice(begin, end).map(({ text }) => text);
    if (body.some((text, i) => used.has(text) && ['=', '{'].includes(body[i + 1]))) continue;
    const sizes = threadgroupTypes.map((type) => `sizeof(metal::detail::Self<${type}>)`);
    const sum = `static constexpr unsigned ${bytesName(name)} = ${sizes.join(' + ')};`;
    const limit = `static_assert(${bytesName(name)} <= 32768, "more than 32768 bytes of threadgroup memory");`;
    tokens.replace(end, `} ${sum} ${limit}`);
    kernel.threadgroupBytes = bytesName(name);
  }
}
