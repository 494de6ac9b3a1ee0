// Nothing but a run keeps this process alive.
import { openJob } from './job.mjs';

const { program, sums } = await openJob(20);
program.run({ read: [sums] }).then(() => console.log('ok'));
