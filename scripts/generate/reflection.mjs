// Reads what spirv-cross reflected and checks that each kernel keeps to what all backends can bind.
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readVariant } from './variants.mjs';

const SCALARS = { uint: 'u32', int: 'i32', float: 'f32' };
const ELEMENT =
  /^(?:(uint|int|float)|(u|i|)vec([234])|(float16_t|half)|f16vec([234])|(u?)int(8|16)_t|(u|i)(8|16)vec([234]))$/;
const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const VECTORS = { u: 'u32', i: 'i32', '': 'f32' };

function elementOf(type) {
  const match = ELEMENT.exec(type);
  if (!match) return undefined;
  const [, scalar, vector, width, half, halfWidth, unsigned, bits, narrow, narrowBits, narrowWidth] = match;
  if (scalar) return { type: SCALARS[scalar], components: 1 };
  if (width) return { type: VECTORS[vector], components: Number(width) };
  if (half || halfWidth) return { type: 'f16', components: Number(halfWidth ?? 1) };
  if (bits) return { type: `${unsigned || 'i'}${bits}`, components: 1 };
  return { type: `${narrow}${narrowBits}`, components: Number(narrowWidth) };
}

function readBuffer(buffer, types, fail) {
  const name = buffer.name.replace(/_$/, '');
  const members = types[buffer.type].members;
  if (!buffer.name.endsWith('_') || members.length !== 1 || members[0].name !== name) {
    fail(`buffer block ${buffer.name} must be named <name>_ and hold one runtime array <name>`);
  }
  const element = elementOf(members[0].type);
  if (!element) fail(`buffer ${name} has elements of type ${members[0].type}, which is neither a scalar nor a vector`);
  if (buffer.set !== 0) fail(`buffer ${name} must be in set 0`);
  const access = buffer.readonly ? 'read' : buffer.writeonly ? 'write' : 'read_write';
  return { name, access, binding: buffer.binding, element };
}

function readBuffers(reflection, fail) {
  const buffers = (reflection.ssbos ?? []).map((buffer) => readBuffer(buffer, reflection.types, fail));
  buffers.sort((a, b) => a.binding - b.binding);
  buffers.forEach((buffer, index) => {
    if (buffer.binding === index) return;
    fail(
      buffers[index - 1]?.binding === buffer.binding
        ? `binding ${buffer.binding} is declared twice`
        : `no buffer has binding ${index} (the compiler drops a buffer that is not used)`,
    );
  });
  for (const kind of ['ubos', 'images', 'textures', 'separate_images', 'separate_samplers']) {
    if (reflection[kind]?.length) fail(`only storage buffers can be bound, found ${kind}`);
  }
  return buffers;
}

function readParams(reflection, fail) {
  const block = reflection.push_constants?.[0];
  const members = block ? reflection.types[block.type].members : [];
  return members.map((member, index) => {
    const scalar = member.array ? undefined : SCALARS[member.type];
    if (!scalar) fail(`parameter ${member.name} must be a 4-byte scalar (uint, int or float), found ${member.type}`);
    if (member.offset !== index * 4) fail(`parameter ${member.name} is at offset ${member.offset}, not ${index * 4}`);
    return { name: member.name, type: scalar, offset: member.offset };
  });
}

function readConstants(reflection, fail) {
  const constants = (reflection.specialization_constants ?? []).map((constant) => {
    if (constant.type !== 'uint') fail(`constant ${constant.name} must be a uint, found ${constant.type}`);
    return { name: constant.name, id: constant.id, default: constant.default_value };
  });
  return constants.sort((a, b) => a.id - b.id);
}

function readSpirv(path) {
  const spirv = readFileSync(path);
  return Array.from({ length: spirv.length / 4 }, (_, word) => spirv.readUInt32LE(word * 4));
}

const identity = (path, extension) => ({ name: basename(path, extension), room: basename(dirname(path)) });
const reporter = (kernel, report) => (problem) =>
  report(`shaders-vulkan/${kernel.room}/${kernel.name}.comp: ${problem}`);

function readKernel(path, report) {
  const kernel = identity(path, '.json');
  const fail = reporter(kernel, report);
  const reflection = JSON.parse(readFileSync(path, 'utf8'));
  const entry = reflection.entryPoints[0];
  if (entry.workgroup_size_is_spec_constant_id?.some(Boolean)) fail('the workgroup size must be literal');
  kernel.workgroup = entry.workgroup_size;
  kernel.buffers = readBuffers(reflection, fail);
  kernel.params = readParams(reflection, fail);
  kernel.constants = readConstants(reflection, fail);
  kernel.spirv = readSpirv(path.replace(/json$/, 'spv'));
  for (const list of [[kernel], kernel.buffers, kernel.params, kernel.constants]) {
    for (const { name } of list) if (!NAME.test(name)) fail(`"${name}" is not a snake_case name`);
  }
  return kernel;
}

/** Reads all kernels, sorted by name, from reflections and variants' SPIR-V. Problems name the shader that has them. */
export function readKernels(paths) {
  const problems = [];
  const report = (problem) => problems.push(problem);
  const kernels = paths.filter((path) => path.endsWith('.json')).map((path) => readKernel(path, report));
  for (const path of paths.filter((path) => path.endsWith('.spv'))) {
    const variant = { ...identity(path, '.spv'), spirv: readSpirv(path) };
    kernels.push({ ...variant, ...readVariant(variant, kernels, reporter(variant, report)) });
  }
  kernels.sort((a, b) => (a.name < b.name ? -1 : 1));
  kernels.forEach((kernel, index) => {
    const other = kernels[index + 1];
    if (other?.name === kernel.name)
      problems.push(`kernel ${kernel.name} is in two rooms: ${kernel.room}, ${other.room}`);
  });
  return { kernels, problems };
}
