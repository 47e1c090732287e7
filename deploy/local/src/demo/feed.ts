import type { Stack } from '../stack/stack.ts';

/** Lists where everything answers; with `exit` returns at once, otherwise when the stack is stopped. */
export async function runDemoFeed(stack: Stack, options: { exit: boolean }): Promise<void> {
  for (const [name, value] of Object.entries(stack.env)) {
    if (name.endsWith('_URL') && value.startsWith('http')) console.log(`${name.padEnd(20)} ${value}`);
  }
  console.log(`logs                 ${stack.logsDir}`);
  if (!options.exit) await new Promise(() => {});
}
