import { rmSync, writeFileSync } from 'node:fs';

/** For `. FILE` in a shell: the addresses and tokens of a running stack, readable by their owner only. */
export function writeShellFile(file: string, variables: Record<string, string>): void {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}\n`);
  rmSync(file, { force: true }); // the mode is that of a new file
  writeFileSync(file, lines.join(''), { mode: 0o600 });
}

/** As a shell reads it back: quoted when a space or sign of it would mean something there. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The text of a `docker compose --env-file`: its lines as they are, but those of `variables` anew. */
export function withVariables(text: string, variables: Record<string, string>): string {
  const isKept = (line: string) => line !== '' && !Object.hasOwn(variables, line.split('=')[0]!);
  const fresh = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  return [...text.split('\n').filter(isKept), ...fresh, ''].join('\n');
}
