// What the Metal backend does in trouble, a process for each: prints what came of each step as JSON.
import { Device } from '../../../dist/index.js';
import { backend, openJob } from '../../runtime/children/job.mjs';

const MIB = 1024 * 1024;
const said = [];

/** Notes the code of an error, or the value. */
async function note(step) {
  try {
    said.push((await step()) ?? 'done');
  } catch (error) {
    said.push(error.code ?? `${error}`);
    if (process.env.PRINT_MESSAGES) said.push(error.message);
  }
}

const sum = ({ program, sums }) => program.run({ read: [sums] }).then(({ outputs }) => outputs[0][0]);

const jobs = {
  async memory() {
    const job = await openJob(1);
    await note(() => void job.device.tensor('u8', [96 * MIB]));
    await note(() => void job.device.tensor('u8', [16 * MIB]).dispose());
    await note(() => sum(job));
    job.device.dispose();
  },
  async run() {
    const job = await openJob(1);
    await note(() => sum(job));
    await note(() => sum(job));
    await note(() => void job.device.tensor('u8', [16]));
    job.device.dispose();
  },
  /** Written before the run: at once where no other run uses the memory, else by a copy. */
  async write() {
    const { device, program, values, sums } = await openJob(1);
    await note(() => sum({ program, sums }));
    const { allocations } = device.memory();
    const write = (value) => [values, new Float32Array(4096).fill(value)];
    const written = (value) => program.run({ write: [write(value)], read: [sums] }).then((run) => run.outputs[0][0]);
    await note(() => written(2));
    said.push(device.memory().allocations - allocations);
    await note(async () => (await Promise.all([3, 4, 5].map(written))).join());
    device.dispose();
  },
  /** One of its kernels is compiled while another is. */
  async kernels() {
    const device = await Device.open({ backend });
    const values = device.tensor('f32', [4096]);
    const sums = device.tensor('f32', [1]);
    const record = (recorder) => {
      const buffers = { start: values, results: values };
      recorder.dispatch('sum_blocks', { buffers: { values, sums }, params: { count: 4096, rows: 1 }, grid: [1] });
      recorder.dispatch('multiply_add', {
        buffers,
        params: { count: 4096, rounds: 1, factor: 1, addend: 0 },
        grid: [16],
      });
    };
    await note(async () => void (await device.record(record)));
    device.dispose();
  },
  async open() {
    await note(async () => {
      const job = await openJob(1);
      const result = await sum(job);
      job.device.dispose();
      return result;
    });
  },
  /** More runs, and a timed run of more commands, than Metal has command buffers. */
  async many() {
    const job = await openJob(70, { count: 1 << 13 });
    const runs = Array.from({ length: 130 }, (_, i) => job.program.run({ read: [job.sums], timed: i % 50 === 0 }));
    const results = await Promise.all(runs);
    const times = results[100].times ?? [];
    said.push(results.filter(({ outputs }) => outputs[0][0] === 4096).length, times.length);
    job.device.dispose();
  },
};

await jobs[process.argv[3]]();
console.log(JSON.stringify(said));
