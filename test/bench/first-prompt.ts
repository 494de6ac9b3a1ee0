// node first-prompt.js FILE BACKEND CACHE_FOLDER: a new process from nothing to the first token behind 512; prints times.
import { argv } from 'node:process';
import { type Backend, Device } from '../../src/index.js';
import { LanguageModel } from '../../src/llm/language-model.js';
import { promptOf } from './llm-model.js';

const [path, backend, cacheFolder] = argv.slice(2);
const begin = performance.now();
using device = await Device.open({ backend: backend as Backend, cacheFolder });
const opened = performance.now();
using model = await LanguageModel.load(path, { device, context: 2048 });
const loaded = performance.now();
const firstToken = (seed: number) =>
  model.generate(promptOf(model.info.vocabulary, 512, seed), { maxTokens: 1, temperature: 0 }).summary();
await firstToken(1);
const answered = performance.now();
await firstToken(2);
console.log(
  JSON.stringify({
    openMs: opened - begin,
    loadMs: loaded - opened,
    firstTokenMs: answered - loaded,
    secondPromptMs: performance.now() - answered,
    totalMs: answered - begin,
  }),
);
