// npm start: set-up, then the demonstration.
import { handOver } from './setup/shell.mjs';
import { setUp } from './setup.mjs';

await setUp();
await handOver(process.execPath, ['dist/cli/start.js', ...process.argv.slice(2)], process.env);
