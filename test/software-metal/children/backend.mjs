// What the Metal backend does in trouble, a process for each: prints what came of each step as JSON.
import { openJob } from '../../runtime/children/job.mjs';

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
