#!/usr/bin/env node
// The `wavetile` command.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { benchCommand } from './bench.js';
import { doctorCommand } from './doctor.js';
import { searchCommand } from './search.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

await new Command('wavetile')
  .description('Vector search on Vulkan GPUs and CPUs.')
  .version(version)
  .addCommand(doctorCommand())
  .addCommand(benchCommand())
  .addCommand(searchCommand())
  .parseAsync();
