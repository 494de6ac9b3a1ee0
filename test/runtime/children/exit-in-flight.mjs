// Exits without waiting for what it asked for.
import { openJob } from './job.mjs';

const { program, sums, values } = await openJob(20);
for (let i = 0; i < 5; i++) program.run({ read: [sums, values] });
values.write(new Float32Array(values.length));
console.log('ok');
process.exit(0);
