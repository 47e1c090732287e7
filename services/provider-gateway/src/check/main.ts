import { StartError } from '@slipstream/kernel';
import { loadRules } from '@slipstream/rules';
import { providerProblems } from './provider-problems.ts';

/**
 * Says what the gateway could not start with in a sound rules file: `main.js FILE`, its variables in the environment. Only the
 * gateway knows what the protocols of providers can do. It prints one JSON object, `result` or `error`; `slipctl config check`
 * shows it.
 */
const say = (line: object) => console.log(JSON.stringify(line));

try {
  const { providers } = loadRules(process.argv[2] ?? '', process.env);
  say({ result: await providerProblems(providers.values()) });
} catch (error) {
  say({
    error: error instanceof Error ? error.message : String(error),
    is_usage: error instanceof StartError,
  });
  process.exitCode = 1;
}
