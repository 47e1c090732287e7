import { requireAddresses } from './brokers.ts';
import { kafkaVariables } from './kafka.ts';
import { runServiceProgram } from './service-program.ts';

/** A program of reconciliation that reads the slips' log: it speaks to the brokers as this program does. @throws as {@link requireAddresses} and {@link runServiceProgram} */
export async function runLogProgram<View>(
  name: 'backtest' | 'rediagnose',
  asked: { readonly brokers: readonly string[] },
  { what, onProgress }: { what: string; onProgress: (done: number, total: number) => void },
): Promise<View> {
  requireAddresses(asked.brokers);
  const path = `reconciliation/dist/${name}/main.js`;
  return runServiceProgram<View>(
    { path, args: [JSON.stringify(asked)], env: kafkaVariables(), what },
    onProgress,
  );
}
