// Reads a kernel's contract straight from SPIR-V, for those with cooperative matrices, which spirv-cross cannot parse.
const OP = { name: 5, memberName: 6, executionMode: 16, typeInt: 21, typeFloat: 22, typeVector: 23, typeArray: 29 };
Object.assign(OP, {
  typeStruct: 30,
  typePointer: 32,
  specConstant: 50,
  variable: 59,
  decorate: 71,
  memberDecorate: 72,
});
const LOCAL_SIZE = 17;
const STORAGE = { pushConstant: 9, buffer: 12 };
const DECORATION = { specId: 1, nonWritable: 24, nonReadable: 25, binding: 33, offset: 35 };

function text(operands) {
  const bytes = Buffer.from(Uint32Array.from(operands).buffer);
  return bytes.toString('utf8', 0, bytes.indexOf(0));
}

class Module {
  names = new Map();
  memberNames = new Map();
  types = new Map();
  decorations = new Map();
  variables = [];
  constants = [];
  workgroup = [1, 1, 1];

  constructor(words) {
    for (let at = 5; at < words.length; at += words[at] >>> 16) {
      this.#read(words[at] & 0xffff, words.slice(at + 1, at + (words[at] >>> 16)));
    }
  }

  #read(op, operands) {
    const [first, second, third] = operands;
    if (op === OP.name) this.names.set(first, text(operands.slice(1)));
    if (op === OP.memberName) this.memberNames.set(`${first} ${second}`, text(operands.slice(2)));
    if (op === OP.decorate) this.decorations.set(`${first} ${second}`, third);
    if (op === OP.memberDecorate) this.decorations.set(`${first}.${second} ${third}`, operands[3]);
    if (op === OP.executionMode && second === LOCAL_SIZE) this.workgroup = operands.slice(2, 5);
    if (op === OP.specConstant) this.constants.push({ type: first, id: second, value: third });
    if (op === OP.variable) this.variables.push({ type: first, id: second, storage: third });
    if (op >= OP.typeInt && op <= OP.typePointer) this.types.set(first, { op, operands: operands.slice(1) });
  }

  is(target, decoration) {
    return this.decorations.has(`${target} ${decoration}`);
  }

  decoration(target, decoration) {
    return this.decorations.get(`${target} ${decoration}`);
  }

  scalar(id) {
    const { op, operands } = this.types.get(id);
    const bits = operands[0];
    if (op === OP.typeFloat) return `f${bits}`;
    return op === OP.typeInt ? `${operands[1] ? 'i' : 'u'}${bits}` : undefined;
  }

  /** Of a variable: the struct that its pointer leads to. */
  struct(variable) {
    const id = this.types.get(variable.type).operands[1];
    return { id, members: this.types.get(id).operands };
  }
}

function bufferOf(module, variable) {
  const { id, members } = module.struct(variable);
  const has = (decoration) => module.is(variable.id, decoration) || module.is(`${id}.0`, decoration);
  const element = module.types.get(members[0]).operands[0];
  const type = module.types.get(element);
  const isVector = type.op === OP.typeVector;
  return {
    name: module.memberNames.get(`${id} 0`),
    access: has(DECORATION.nonWritable) ? 'read' : has(DECORATION.nonReadable) ? 'write' : 'read_write',
    binding: module.decoration(variable.id, DECORATION.binding),
    element: {
      type: module.scalar(isVector ? type.operands[0] : element),
      components: isVector ? type.operands[1] : 1,
    },
  };
}

function paramsOf(module) {
  const block = module.variables.find(({ storage }) => storage === STORAGE.pushConstant);
  if (!block) return [];
  const { id, members } = module.struct(block);
  return members.map((member, i) => ({
    name: module.memberNames.get(`${id} ${i}`),
    type: module.scalar(member),
    offset: module.decoration(`${id}.${i}`, DECORATION.offset),
  }));
}

/** Buffers, params, constants and workgroup, as reflection.mjs has them of other kernels. */
export function spirvContract(words) {
  const module = new Module(words);
  const buffers = module.variables.filter(({ storage }) => storage === STORAGE.buffer);
  const constants = module.constants.map(({ id, value }) => ({
    name: module.names.get(id),
    id: module.decoration(id, DECORATION.specId),
    default: value,
  }));
  return {
    buffers: buffers.map((variable) => bufferOf(module, variable)).sort((a, b) => a.binding - b.binding),
    params: paramsOf(module),
    constants: constants.sort((a, b) => a.id - b.id),
    workgroup: module.workgroup,
  };
}
