// The tree is as CONTRIBUTING.md says: the files of a kernel, sizes of files, and which room includes what.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

function filesBelow(folder: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.split('/').includes('node_modules') && statSync(join(path, name)).isFile())
    .map((name) => `${folder}/${name}`);
}

const text = (file: string) => readFileSync(join(root, file), 'utf8');
const withExtension = (files: string[], ...extensions: string[]) =>
  files.filter((file) => extensions.includes(extname(file)));

/** `<room>/<kernel>` of each file of a folder of kernels; common/ is not a room. */
function kernelsIn(folder: string, extension: string): string[] {
  return withExtension(filesBelow(folder), extension)
    .map((file) => file.slice(folder.length + 1, -extension.length))
    .filter((name) => name.split('/').length === 2 && !name.startsWith('common/'))
    .sort();
}

describe('a kernel is its file name', () => {
  const shaders = kernelsIn('shaders-vulkan', '.comp');
  // X_coop is X on matrix units: the same contract, which the build checks, and no other files.
  const isVariant = (name: string) => name.endsWith('_coop');
  const kernels = shaders.filter((name) => !isVariant(name));

  test.each([
    ['native/cpu/kernels', '.cpp'],
    ['test/kernels', '.ts'],
    ['shaders-metal', '.metal'],
  ])('%s has the same kernels as shaders-vulkan', (folder, extension) => {
    expect(kernelsIn(folder, extension).filter((name) => !isVariant(name))).toEqual(kernels);
  });

  test('a variant is one of a kernel, and only GPUs have it', () => {
    const variants = shaders.filter(isVariant);
    expect(kernelsIn('shaders-metal', '.metal').filter(isVariant)).toEqual(variants);
    expect(variants.filter((name) => !kernels.includes(name.replace(/_coop$/, '')))).toEqual([]);
    for (const [folder, extension] of [
      ['native/cpu/kernels', '.cpp'],
      ['test/kernels', '.ts'],
    ] as const) {
      expect(kernelsIn(folder, extension).filter(isVariant)).toEqual([]);
    }
  });

  test('no two rooms have a kernel of the same name', () => {
    const names = shaders.map((name) => name.split('/')[1]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe('size of files', () => {
  const sources = ['src', 'binding', 'native', 'test', 'scripts', 'cmake']
    .flatMap(filesBelow)
    .filter((file) => file !== 'src/kernels/generated.ts' && !file.startsWith('test/fixtures/'));
  const code = withExtension(sources, '.ts', '.mjs', '.js', '.cpp', '.hpp', '.sh', '.cmake');
  const shaders = withExtension(
    [...filesBelow('shaders-vulkan'), ...filesBelow('shaders-metal')],
    '.comp',
    '.glsl',
    '.metal',
    '.h',
  );

  function longerThan(files: string[], limit: number): string[] {
    return files
      .map((file) => [file, text(file).split('\n').length - 1] as const)
      .filter(([, lines]) => lines > limit)
      .map(([file, lines]) => `${file}: ${lines} lines, at most ${limit}`);
  }

  test('no source has more than 400 lines', () => expect(longerThan(code, 400)).toEqual([]));
  test('no shader has more than 200 lines', () => expect(longerThan(shaders, 200)).toEqual([]));
});

describe('native rooms', () => {
  const sources = withExtension([...filesBelow('native'), ...filesBelow('binding')], '.cpp', '.hpp');
  const includes = sources.flatMap((file) =>
    [...text(file).matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map((match) => ({
      file,
      header: match[1] as string,
    })),
  );
  const offenders = (matches: (file: string, header: string) => boolean) =>
    includes
      .filter(({ file, header }) => matches(file, header))
      .map(({ file, header }) => `${file} includes ${header}`);

  test('only binding/ includes Node headers', () => {
    const isNode = (header: string) => /(^|\/)(napi|node|node_api|js_native_api|uv|v8)\.h$/.test(header);
    expect(offenders((file, header) => isNode(header) && !file.startsWith('binding/'))).toEqual([]);
  });

  test('only native/vulkan includes Vulkan headers', () => {
    const isVulkan = (header: string) => /^(vulkan\/|vk_video\/|volk\.h|vk_mem_alloc\.h)/.test(header);
    expect(offenders((file, header) => isVulkan(header) && !file.startsWith('native/vulkan/'))).toEqual([]);
  });

  test('only native/metal includes Metal headers', () => {
    const isMetal = (header: string) => /^(Metal|Foundation|QuartzCore)\//.test(header);
    expect(offenders((file, header) => isMetal(header) && !file.startsWith('native/metal/'))).toEqual([]);
  });

  test('a room includes itself and native/device, and goes to no other folder by ".."', () => {
    const roomOf = (file: string) => (file.startsWith('binding/') ? 'binding' : (file.split('/')[1] as string));
    const rooms = ['vulkan', 'metal', 'cpu', 'io'];
    const isForeign = (file: string, header: string) => {
      const target = header.split('/')[0] as string;
      if (header.split('/').includes('..')) return true;
      if (!rooms.includes(target) || !header.includes('/') || target === roomOf(file)) return false;
      return !(target === 'io' && roomOf(file) === 'binding');
    };
    expect(offenders(isForeign)).toEqual([]);
  });
});

describe('TypeScript rooms', () => {
  const allowed: Record<string, string[]> = {
    runtime: ['kernels'], // types of the generated signatures
    kernels: ['runtime'],
    nn: ['kernels', 'runtime'],
    formats: ['runtime'],
    vector: ['nn', 'formats', 'kernels', 'runtime'],
    llm: ['nn', 'formats', 'kernels', 'runtime'],
  };

  test.each(Object.entries(allowed))('src/%s imports only from %j', (room, others) => {
    const offenders = withExtension(filesBelow(`src/${room}`), '.ts').flatMap((file) =>
      [...text(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)]
        .map((match) => relative(join(root, 'src'), resolve(root, dirname(file), match[1] as string)))
        .filter((target) => ![room, ...others].includes(target.split('/')[0] as string))
        .map((target) => `${file} imports ${target}`),
    );
    expect(offenders).toEqual([]);
  });

  test('no files import each other in a circle, types aside', () => {
    const importsOf = (file: string) =>
      [...text(file).matchAll(/^(?:import|export) (?!type )[^;]*?'(\.[^']*)\.js';/gm)].map(
        (match) => `${relative(root, resolve(root, dirname(file), match[1] as string))}.ts`,
      );
    const left = new Map(withExtension(filesBelow('src'), '.ts').map((file) => [file, importsOf(file)]));
    // Without those that import none of the rest, again and again, what remains has circles.
    for (let size = -1; size !== left.size; ) {
      size = left.size;
      for (const [file, imports] of left) if (!imports.some((other) => left.has(other))) left.delete(file);
    }
    expect([...left.keys()]).toEqual([]);
  });

  test('only src/runtime/native.ts loads the addon', () => {
    const loaders = withExtension(filesBelow('src'), '.ts').filter((file) => /node-gyp-build|\.node'/.test(text(file)));
    expect(loaders.filter((file) => file !== 'src/runtime/native.ts')).toEqual([]);
  });

  test('only the command prints', () => {
    const prints = (line: string) => /\bconsole\.(log|info)\(/.test(line) && !/^\s*(\*|\/\/)/.test(line);
    const printers = withExtension(filesBelow('src'), '.ts').filter((file) => text(file).split('\n').some(prints));
    expect(printers.filter((file) => !file.startsWith('src/cli/'))).toEqual([]);
  });
});
