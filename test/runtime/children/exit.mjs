// Leaves a device, tensors and a program behind and has nothing more to do.
import { check, openJob } from './job.mjs';

const { program, sums } = await openJob(1);
const { outputs } = await program.run({ read: [sums] });
check(outputs[0][0] === 4096, 'sum');
console.log('ok');
