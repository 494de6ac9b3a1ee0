// What is piped into a command.

/** Everything that is piped in, without the line's end that `echo` adds; undefined at a terminal. */
export async function readPiped(): Promise<string | undefined> {
  if (process.stdin.isTTY) return undefined;
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text.replace(/\r?\n$/, '');
}
