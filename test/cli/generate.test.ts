// `wavetile generate` by child process: prompts, sampling, stops, its JSON, Ctrl-C, and how it fails.
import { describe, expect, it } from 'vitest';
import { type CliRun, runCli, WRITER } from './run-cli.js';

const PROMPT = 'In the beginning';
/** What the most probable tokens say. */
const TEXT = ' of the reign of the LORD came unto me, saying, Son of man';

const generate = (args: readonly string[], run?: CliRun) => runCli('main', ['generate', WRITER, ...args], run);
const greedy = (...args: string[]) => generate([PROMPT, '--temperature', '0', ...args]);

describe('wavetile generate', () => {
  it('goes on with a prompt and says how fast', async () => {
    const { code, stdout, stderr } = await greedy('--max-tokens', '14');
    expect(code).toBe(0);
    expect(stdout.trimEnd()).toBe(TEXT.slice(0, stdout.trimEnd().length));
    expect(stdout.length).toBeGreaterThan(30);
    expect(stderr).toMatch(
      /^4 prompt tokens, 14 tokens at [\d.,]+ tokens\/s, the first after [\d.]+ ms, cut at --max-tokens\n$/,
    );
  });

  it('reads a prompt that is piped in, without the end of its line', async () => {
    const options = ['--temperature', '0', '-n', '8'];
    const piped = await generate(options, { input: `${PROMPT}\n` });
    expect(piped.stdout).toBe((await generate([PROMPT, ...options])).stdout);
  });

  it('says the same again for a seed, and something else for another', async () => {
    const options = [PROMPT, '-n', '24', '--temperature', '1.2', '--top-k', '0', '--top-p', '1', '--min-p', '0'];
    const [first, again, other] = await Promise.all(
      ['7', '7', '8'].map((seed) => generate([...options, '--seed', seed])),
    );
    expect(again.stdout).toBe(first.stdout);
    expect(other.stdout).not.toBe(first.stdout);
  });

  it('ends before a stop, and prints JSON', async () => {
    const { code, stdout, stderr } = await greedy('--stop', 'unto', 'Egypt', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { ids, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({
      text: ' of the reign of the LORD came ',
      finishReason: 'stop',
      usage: { promptTokens: 4, cachedTokens: 0, completionTokens: ids.length },
      timing: {
        firstTokenMs: expect.any(Number),
        totalMs: expect.any(Number),
        promptTokensPerSecond: expect.any(Number),
        tokensPerSecond: expect.any(Number),
      },
    });
  });

  it('ends where the context is full', async () => {
    const { finishReason, usage } = JSON.parse((await greedy('--context', '16', '--json')).stdout);
    expect(finishReason).toBe('context');
    // The last token has no need of a place.
    expect(usage.promptTokens + usage.completionTokens).toBe(17);
  });

  it('repeats itself less where that is penalised', async () => {
    const words = async (...options: string[]) => {
      const { ids } = JSON.parse((await greedy('-n', '100', '--json', ...options)).stdout) as { ids: number[] };
      return new Set(ids).size;
    };
    expect(await words('--repetition-penalty', '1.5')).toBeGreaterThan(1.5 * (await words()));
  });

  it('keeps what it has written when it is interrupted', async () => {
    const { code, stdout, stderr } = await generate(
      [PROMPT, '--temperature', '0', '--context', '20000', '-n', '19000'],
      { interrupt: true },
    );
    expect(code).toBe(130);
    expect(stdout.startsWith(TEXT.slice(0, 3))).toBe(true);
    expect(stdout.endsWith('\n')).toBe(true);
    expect(stderr).toMatch(/^interrupted after [\d,]+ tokens\n$/);
  });
});

describe('wavetile generate fails with one line', () => {
  const fails = async (message: RegExp, args: readonly string[]) => {
    const { code, stdout, stderr } = await runCli('main', ['generate', ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  };

  it('for a missing file', () => fails(/absent\.gguf: no such file or folder/, ['absent.gguf', 'x']));

  it('for something that is no model', () => fails(/package\.json: /, ['package.json', 'x']));

  it('without a prompt', () => fails(/there is no prompt/, [WRITER]));

  it('for a prompt that is longer than the context', () =>
    fails(/at most 2 tokens \(the context\), got 4/, [WRITER, PROMPT, '--context', '2']));

  it('for a device that is not there, with those that are', async () => {
    const { code, stderr } = await runCli('main', ['generate', WRITER, PROMPT, '--device', 'cpu:7']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: no cpu device with index 7 was found\n {2}found cpu:0: .*\n[\s\S]* {2}try: /);
  });

  it('for bad options', async () => {
    await fails(/temperature must be .* got 2000/, [WRITER, PROMPT, '--temperature', '2000']);
    await fails(/It must be a number/, [WRITER, PROMPT, '--temperature', 'hot']);
    await fails(/Allowed choices are none, int8, int4/, [WRITER, PROMPT, '--quantize', 'int3']);
    await fails(/--device must be cpu/, [WRITER, PROMPT, '--device', 'gpu']);
  });
});
