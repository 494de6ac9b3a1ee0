// Kernels: their parameters' attributes, and explicit instantiations with host_name.
import { attributesIn, blankAttributes } from './attributes.mjs';

const positions = new Map(
  [
    'thread_position_in_grid',
    'thread_position_in_threadgroup',
    'threadgroup_position_in_grid',
    'threads_per_threadgroup',
    'dispatch_threads_per_threadgroup',
    'threads_per_grid',
    'threadgroups_per_grid',
    'thread_index_in_threadgroup',
    'thread_index_in_simdgroup',
    'simdgroup_index_in_threadgroup',
    'simdgroups_per_threadgroup',
    'threads_per_simdgroup',
  ].map((name) => [name, name]),
).set('thread_execution_width', 'threads_per_simdgroup');

function bindingOf({ name, value }, words) {
  const isWritten = !words.includes('const') && !words.includes('constant');
  if (name === 'buffer') return { kind: 'buffer', index: value, isWritten };
  if (name === 'threadgroup') return { kind: 'threadgroup_memory', index: value, isWritten: true };
  return { kind: positions.get(name), index: 0, isWritten: false };
}

/** The parameter [begin, end); an explicit instantiation need not repeat attributes. */
function readParameter(unit, begin, end, { kernel, isInstantiation }) {
  const { tokens } = unit;
  const parts = tokens.list.slice(begin, end);
  const words = parts.filter(({ kind }) => kind === 'name').map(({ text }) => text);
  const isPointer = parts.some(({ text }) => text === '*' || text === '&');
  const attributes = attributesIn(tokens, begin, end);
  let binding = null;
  for (const attribute of attributes) {
    // A buffer that exists only where a function constant is true: unbound otherwise.
    if (attribute.name === 'function_constant') continue;
    const found = bindingOf(attribute, words);
    if (found.kind) binding = found;
    else if (!isInstantiation)
      tokens.error(begin, `kernel ${kernel}: attribute [[${attribute.name}]] is not supported`);
  }
  blankAttributes(tokens, attributes);
  const parameter = tokens.text(begin, end).trim();
  if (!binding && !isInstantiation) tokens.error(begin, `kernel ${kernel}: parameter '${parameter}' has no attribute`);
  if (binding?.kind === 'buffer' && !words.includes('device') && !words.includes('constant'))
    tokens.error(begin, `kernel ${kernel}: buffer parameter without device or constant`);
  if (isPointer && binding?.kind === 'threadgroup_memory' && !words.includes('threadgroup'))
    tokens.error(begin, `kernel ${kernel}: threadgroup parameter without the threadgroup address space`);
  return binding;
}

/** The parameters between the parentheses at `open` and `close`. */
function readParameters(unit, open, close, options) {
  const { tokens } = unit;
  const parameters = [];
  let begin = open + 1;
  for (let i = open + 1; i <= close; i++) {
    const text = tokens.at(i);
    if (i < close && ['(', '[', '[[', '{'].includes(text)) {
      i = tokens.match(i);
    } else if (text === '<') {
      const angle = tokens.matchAngle(i);
      if (angle > 0 && angle < close) i = angle;
    } else if (text === ',' || i === close) {
      if (i > begin) parameters.push(readParameter(unit, begin, i, options));
      begin = i + 1;
    }
  }
  return parameters;
}

function hostName(attributes) {
  const attribute = attributes.find(({ name }) => name === 'host_name');
  return attribute && [...attribute.value.matchAll(/"((?:\\.|[^"\\])*)"/g)].map((match) => match[1]).join('');
}

/** Index of the parameter list's parenthesis, past template arguments; `end` where there is none. */
function findParameters(tokens, begin, end) {
  let i = begin;
  while (i < end && tokens.at(i) !== '(') {
    const angle = tokens.at(i) === '<' ? tokens.matchAngle(i) : -1;
    i = angle > 0 ? angle + 1 : i + 1;
  }
  return i;
}

/** The name at `i` without its namespaces. */
function unqualified(tokens, i) {
  while (tokens.at(i + 1) === '::') i += 2;
  return tokens.at(i);
}

/** The kernel declared in [i, end), after its leading attributes and the word `kernel`. */
function declareKernel(unit, i, end, { attributes, isInstantiation, isTemplate }) {
  const { tokens } = unit;
  const host = hostName(attributes);
  const instantiate = (reference, name, defaultHost) =>
    unit.instantiations.push({ host: host ?? defaultHost, reference, name, scope: unit.scopePath(), token: i });
  if (tokens.at(i) === 'decltype') {
    const name = tokens.match(i + 1) + 1;
    return instantiate(tokens.text(name, end), unqualified(tokens, name));
  }
  const open = findParameters(tokens, i, end);
  // After `typedef decltype(f<..>) t;` an instantiation is `template kernel t f<..>;`.
  if (open >= end && isInstantiation) return instantiate(tokens.text(i + 1, end), unqualified(tokens, i + 1));
  if (tokens.at(i) !== 'void') tokens.error(i, 'a kernel returns void');
  const name = tokens.at(i + 1);
  const reference = tokens.text(i + 1, open);
  const close = tokens.match(open);
  const parameters = readParameters(unit, open, close, { kernel: name, isInstantiation });
  const trailing = attributesIn(tokens, close + 1, end);
  blankAttributes(tokens, trailing);
  if (isInstantiation) return instantiate(reference, name);
  const limit = [...attributes, ...trailing].find((one) => one.name === 'max_total_threads_per_threadgroup');
  const maxThreads = limit && /^\d+$/.test(limit.value) ? Number(limit.value) : 0;
  unit.kernel = { parameters, maxThreads, isTemplate, threadgroupTypes: [] };
  unit.kernels.set(name, unit.kernel);
  if (!isTemplate) instantiate(name, name, name);
}

/** The declaration [begin, end), where it is one of a kernel: true then. */
export function declareIfKernel(unit, begin, end) {
  const { tokens } = unit;
  let i = begin;
  const isTemplate = tokens.at(i) === 'template' && tokens.at(i + 1) === '<';
  if (isTemplate) i = tokens.matchAngle(i + 1) + 1;
  const isInstantiation = !isTemplate && tokens.at(i) === 'template';
  if (isInstantiation) i++;
  const attributes = [];
  let isKernel = false;
  for (; tokens.at(i) === '[[' || tokens.at(i) === 'kernel'; i++) {
    if (tokens.at(i) === 'kernel') {
      isKernel = true;
      continue;
    }
    const last = tokens.match(i);
    attributes.push(...attributesIn(tokens, i, last + 1));
    tokens.blank(i, last + 1);
    i = last;
  }
  isKernel ||= attributes.some(({ name }) => name === 'kernel');
  if (isKernel) declareKernel(unit, i, end, { attributes, isInstantiation, isTemplate });
  else if (attributes.some(({ name }) => name === 'host_name'))
    tokens.error(begin, 'host_name on something that is not a kernel');
  return isKernel;
}
