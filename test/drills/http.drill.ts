import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '@slipstream/local';
import { type FuzzOptions, type FuzzResult, fuzz } from '../http/fuzz.ts';

export interface HttpResult extends FuzzResult {
  /** Processes that are not the ones that ran before. */
  readonly ended: readonly string[];
}

const shownMax = 20;

/** Boots a stack of its own. */
export async function drillHttp(
  options: FuzzOptions,
  log: (line: string) => void,
): Promise<{ result: HttpResult; ok: boolean }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-drill-'));
  try {
    const stack = await startStack({ dataDir, profile: 'stack', log, removeOnCrash: [dataDir] });
    try {
      const pids = () => stack.services.names().map((name) => [name, stack.services.pid(name)] as const);
      const before = new Map(pids());
      const result = await fuzz(stack.env, options);
      for (const failure of result.failures.slice(0, shownMax)) log(failure);
      const ended = pids().flatMap(([name, pid]) => (before.get(name) === pid ? [] : [name]));
      return { result: { ...result, ended }, ok: result.failures.length + ended.length === 0 };
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
