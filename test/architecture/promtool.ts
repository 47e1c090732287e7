import { spawnSync } from 'node:child_process';

/** Prometheus' own judge of rules and metrics: CONTRIBUTING.md says how to get it. */
export const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** For the names of what is skipped where it is not there. */
export const promtoolSays = hasPromtool ? 'promtool says' : 'skipped, for promtool is not on PATH:';

/** What it finds wrong; nothing where all is well. */
export function promtool(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}` || `promtool ended with ${status}`;
}
