// The demonstration model with a chat template put into its file.
import { readFileSync, writeFileSync } from 'node:fs';
import { WRITER } from './run-cli.js';

/** Messages one after the other, with nothing between them. */
const TEMPLATE = '{{ bos_token }}{% for message in messages %}{{ message.content }}{% endfor %}';
const HEADER_BYTES = 24;
const ENTRIES_AT = 16;
const STRING = 8;

function string(text: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, Buffer.from(text)]);
}

/** The file with one more entry at the front; a comment fills it up so that tensors stay aligned. */
function withTemplate(file: Buffer): Buffer {
  const entry = (filling: string) => {
    const type = Buffer.alloc(4);
    type.writeUInt32LE(STRING);
    return Buffer.concat([string('tokenizer.chat_template'), type, string(`${TEMPLATE}{#${filling}#}`)]);
  };
  const header = Buffer.from(file.subarray(0, HEADER_BYTES));
  header.writeBigUInt64LE(header.readBigUInt64LE(ENTRIES_AT) + 1n, ENTRIES_AT);
  const filling = ' '.repeat(32 - (entry('').length % 32));
  return Buffer.concat([header, entry(filling), file.subarray(HEADER_BYTES)]);
}

export function writeTalker(path: string): void {
  writeFileSync(path, withTemplate(readFileSync(WRITER)));
}
