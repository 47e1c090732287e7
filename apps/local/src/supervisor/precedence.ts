import { writeFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Linux takes one change of a user without privileges every 100 ms, of all sessions together. */
const tries = 50;
const retryMs = 110;

/**
 * Where the processor is shared, `niceness` says who is let wait: -20 comes first, 0 is everybody, 19 last (nice(1)). Linux first weighs sessions
 * against each other, and a process only against those of its own (autogroup, sched(7)); each supervised process is a
 * session, so its session is set as well. Only a privileged user may go below 0: for others such a process stays as it is.
 */
export async function givePrecedence(pid: number, niceness: number): Promise<void> {
  try {
    setPriority(pid, niceness);
  } catch {
    // Not permitted, or it has ended.
    return;
  }
  for (let tried = 0; tried < tries; tried++) {
    const error = await writeFile(`/proc/${pid}/autogroup`, String(niceness), { flag: 'r+' }).then(
      () => null,
      ({ errno }: NodeJS.ErrnoException) => errno,
    );
    if (error !== -constants.errno.EAGAIN) return;
    await sleep(retryMs, undefined, { ref: false });
  }
}
