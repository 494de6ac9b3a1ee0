// npm run bench [-- filter …] [--backend cpu] [--json FILE]: set-up, then test/bench compiled to dist-bench/ and run.
import { join } from 'node:path';
import { handOver, root, run } from './setup/shell.mjs';
import { setUp } from './setup.mjs';

await setUp();
await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.bench.json']);
await handOver(process.execPath, ['dist-bench/test/bench/main.js', ...process.argv.slice(2)], process.env);
