// npm run build: the same steps as set-up; nothing is compiled twice.
import { setUp } from './setup.mjs';

await setUp();
