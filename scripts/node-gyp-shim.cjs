#!/usr/bin/env node
// Stands in for node-gyp where prebuildify builds: brings build/ up to date with cmake-js instead.
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

const program = join(__dirname, '../node_modules/cmake-js/bin/cmake-js');
const args = ['build', '--prefer-make', '--log-level', 'warn'];
process.exit(spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' }).status ?? 1);
