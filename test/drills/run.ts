import { parseArgs } from 'node:util';
import { interruptible, runCommand } from '@slipstream/environment';
import { drillRestore, restorable } from './restore.drill.ts';

const usage = `usage: npm run drill -- NAME [options]
  restore          each service's database is put back from before the last payments, and the service is started:
                   nothing may be paid twice, no number used twice, nothing lost
  --service NAME   only one of ${restorable.join(', ')}
Breaks a stack of its own on purpose and shows a table; the last line of stdout is one JSON object.
Exit code 1 when something did not hold, 2 on wrong usage.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { service: { type: 'string' }, help: { type: 'boolean', default: false } },
});
const services = restorable.filter((name) => values.service === undefined || name === values.service);
if (values.help || positionals.length !== 1 || positionals[0] !== 'restore' || services.length === 0) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}
await runCommand(async (stop) => {
  const results = await interruptible(
    drillRestore(services, (line) => console.error(line)),
    stop,
  );
  console.table(results);
  const ok = results.every((result) => result.holds);
  const sum = (of: (result: (typeof results)[number]) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  console.log(
    JSON.stringify({
      drill: 'restore',
      services: results.map((result) => result.service),
      second_payments: sum((result) => result.second_payments),
      reused_numbers: sum((result) => result.reused_numbers),
      lost: sum((result) => result.lost),
      ok,
    }),
  );
  return ok ? 0 : 1;
});
