import { spawn } from 'node:child_process';
import type { ProcessIdentity } from './process-identity.ts';

/** Stops the processes it was told about when this process dies without saying so (SIGKILL, crash). */
export interface Watchdog {
  /** `signal` is sent first; SIGKILL follows 10 s later. */
  add(process: ProcessIdentity, signal?: 'TERM' | 'INT' | 'KILL'): void;
  remove(process: ProcessIdentity): void;
  /** This process ends in good order: the watchdog goes and touches nothing. */
  close(): void;
}

/** Reads "add|remove pid signal start" from a pipe. End of file without "done" means that the parent died. */
const SCRIPT = `
trap '' INT TERM HUP
nl='
'
list=
start_of() {
  if [ -e /proc/self/stat ]; then
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
    set -- \${stat##*) }
    [ "$1" = Z ] || echo "\${20}"
  else ps -o lstart= -p "$1" 2>/dev/null | sed 's/ *$//'; fi
}
each() {
  printf '%s' "$list" | while read -r pid signal start; do
    [ -n "$pid" ] && [ "$(start_of "$pid")" = "$start" ] && { [ "$1" = alive ] && echo "$pid" || kill "-\${1:-$signal}" "$pid" 2>/dev/null; }
  done
}
while read -r verb entry; do
  case $verb in
    add) list="$list$entry$nl" ;;
    remove) list="$(printf '%s' "$list" | grep -vxF "$entry")$nl" ;;
    done) exit 0 ;;
  esac
done
each ''
tries=0
while [ -n "$(each alive)" ] && [ $tries -lt 50 ]; do sleep 0.2; tries=$((tries + 1)); done
each KILL
[ $# -gt 0 ] && { sleep 0.2; rm -rf -- "$@"; }
exit 0
`;

/** @param removeOnCrash folders and files to delete after the processes are gone, if this process dies */
export function startWatchdog(removeOnCrash: string[] = []): Watchdog {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'slipstream-watchdog', ...removeOnCrash], {
    cwd: '/',
    detached: true, // its own session: a terminal's Ctrl-C does not reach it
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const signals = new Map<number, string>();
  const send = (line: string) => child.stdin.writable && child.stdin.write(`${line}\n`);
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  const entry = (p: ProcessIdentity) => `${p.pid} ${signals.get(p.pid)} ${p.startedAt}`;
  return {
    add(process, signal = 'TERM') {
      signals.set(process.pid, signal);
      send(`add ${entry(process)}`);
    },
    remove: (process) => void send(`remove ${entry(process)}`),
    close() {
      send('done');
      child.stdin.end();
    },
  };
}
