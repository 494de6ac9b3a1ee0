// The table that a kernel library exports: its kernels, their arguments, its function constants.
import { definedName } from './constants.mjs';

const literal = (text) => JSON.stringify(text);

/** Names that the kernel's code reaches through the functions that it calls. */
function reachableNames(unit, kernel) {
  const seen = new Set([kernel]);
  const names = new Set();
  for (const name of seen) {
    for (const used of unit.bodies.get(name) ?? []) {
      names.add(used);
      if (unit.bodies.has(used)) seen.add(used);
    }
  }
  return names;
}

/** Function constants without which a pipeline for the kernel cannot be made. */
function neededConstants(unit, kernel, source) {
  const names = reachableNames(unit, kernel);
  for (let size = -1; size !== names.size; ) {
    size = names.size;
    for (const { name, uses } of unit.derived) if (names.has(name)) for (const used of uses) names.add(used);
  }
  const isOptional = (name) => new RegExp(`is_function_constant_defined\\s*\\(\\s*${name}\\b`).test(source);
  return unit.constants.map(({ name }) => name).filter((name) => names.has(name) && !isOptional(name));
}

function kernelTables(unit, { host, reference, name, scope }, i, source) {
  const { parameters, maxThreads, threadgroupBytes } = unit.kernels.get(name);
  const args = parameters.map(
    (parameter) => `{ArgumentKind::${parameter?.kind}, ${parameter?.index}, ${parameter?.isWritten}}`,
  );
  const constants = neededConstants(unit, name, source).map((constant) => `${literal(constant)}, `);
  const call = `metal::detail::Caller<decltype(&${scope}${reference}), &${scope}${reference}>::call`;
  const bytes = threadgroupBytes ? `${scope}${threadgroupBytes}` : 0;
  return {
    arrays: `const Argument arguments_${i}[] = {${args.join(', ')}};
const char* const constants_${i}[] = {${constants.join('')}nullptr};
`,
    row: `  {${literal(host)}, &${call}, arguments_${i}, ${args.length}, ${maxThreads}, constants_${i}, ${bytes}},\n`,
  };
}

export function registration(unit, source) {
  const { tokens } = unit;
  const instantiations = unit.instantiations.filter(({ host, name, token }) => {
    if (!unit.kernels.has(name)) tokens.error(token, `instantiation of an unknown kernel ${name}`);
    else if (!host) tokens.error(token, `explicit instantiation of ${name} without host_name`);
    else return true;
    return false;
  });
  const tables = instantiations.map((instantiation, i) => kernelTables(unit, instantiation, i, source));
  const constants = unit.constants.map(
    ({ name, type, index }) =>
      `{"${name}", ${index}, metal::detail::DataType<${type}>::value, sizeof(${type}), &::${name}, &${definedName(name)}}, `,
  );
  const derived = unit.derived.map(({ name, expression }) => `${name} = ${expression};`);
  return `#undef device
#undef constant
#undef threadgroup
#undef thread
#undef kernel
namespace {
using namespace software_metal;
${tables.map(({ arrays }) => arrays).join('')}const Kernel kernels_[] = {
${tables.map(({ row }) => row).join('')}};
const FunctionConstant function_constants_[] = {${constants.join('')}{}};
void derive_constants_() { ${derived.join(' ')} }
}
#ifndef SOFTWARE_METAL_CHECKED
#define SOFTWARE_METAL_CHECKED false
#endif
extern "C" __attribute__((visibility("default"))) const software_metal::Module software_metal_module = {
  kernels_, ${tables.length}, function_constants_, ${constants.length}, &derive_constants_, SOFTWARE_METAL_CHECKED};
`;
}
