import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '@slipstream/environment';
import { failures } from './jest-tier.ts';

const counts = { numPassedTests: 1, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 };

test('what failed is said by file, a hook that failed too, without colours and not at any length', () => {
  const file = (name: string) => join(repositoryRoot, name);
  const said = failures({
    ...{ ...counts, numRuntimeErrorTestSuites: 1 },
    testResults: [
      { name: file('libs/a.spec.ts'), status: 'passed', message: '' },
      { name: file('libs/b.spec.ts'), status: 'failed', message: '\u001b[31m ● b › adds\u001b[39m\n' },
      { name: file('test/c.spec.ts'), status: 'failed', message: `● afterAll ${'x'.repeat(2_000)}` },
    ],
  });
  expect(said).toBe(
    `✗ libs/b.spec.ts\n● b › adds\n\n✗ test/c.spec.ts\n● afterAll ${'x'.repeat(1_489)} […]\n`,
  );
});
