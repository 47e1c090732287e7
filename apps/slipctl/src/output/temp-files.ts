import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders and half-written files that must be gone when the program ends, however it ends. */
const leftovers = new Set<string>();
process.on('exit', () => {
  for (const path of leftovers) rmSync(path, { recursive: true, force: true });
});

/** A new folder of our own in the system's folder for temporary files. */
export function makeTempFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'slipctl-'));
  leftovers.add(path);
  return path;
}

/** The file is removed at the end of the program, unless {@link keep} says otherwise. */
export function removeAtExit(path: string): void {
  leftovers.add(path);
}

export function keep(path: string): void {
  leftovers.delete(path);
}

export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
  leftovers.delete(path);
}
