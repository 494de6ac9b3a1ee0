#!/usr/bin/env node
// The `wavetile` command.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { benchCommand } from './bench.js';
import { chatCommand } from './chat.js';
import { doctorCommand } from './doctor.js';
import { embedCommand } from './embed.js';
import { generateCommand } from './generate.js';
import { perplexityCommand } from './perplexity.js';
import { searchCommand } from './search.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

await new Command('wavetile')
  .description('Language models and vector search on GPUs with Vulkan or Metal, and on CPUs.')
  .version(version)
  .addCommand(generateCommand())
  .addCommand(chatCommand())
  .addCommand(embedCommand())
  .addCommand(perplexityCommand())
  .addCommand(searchCommand())
  .addCommand(benchCommand())
  .addCommand(doctorCommand())
  .parseAsync();
