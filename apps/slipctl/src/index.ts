export type { CommandContext } from './commands/options.ts';
export { exitCodes } from './exit.ts';
export { Terminal } from './output/terminal.ts';
export { buildProgram } from './program.ts';
