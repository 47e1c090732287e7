// Jest's own order knows how long files took from its cache, which a fresh clone has not: it then goes by the size of a file, and a spec
// of thirty lines that plays a drill for a minute and a half begins when all others are over, and one core looks on.
import { statSync } from 'node:fs';
import { relative } from 'node:path';

/** The files that take longest, the longest first; one that is not named any more costs time and nothing else. */
export const longest = [
  'services/ledger/test/component.int.spec.ts',
  'services/provider-gateway/test/failover.int.spec.ts',
  'services/provider-gateway/test/routes.int.spec.ts',
  'services/provider-gateway/test/lost-commits.int.spec.ts',
  'services/ledger/test/plans.int.spec.ts',
  'test/proofs/verify-log.int.spec.ts',
  'services/reconciliation/test/incidents.int.spec.ts',
  'libs/client/src/sdk.int.spec.ts',
  'services/reconciliation/test/component.int.spec.ts',
  'services/reconciliation/test/actions.int.spec.ts',
  'services/provider-gateway/test/poll-statement.int.spec.ts',
  'services/provider-gateway/test/detector-watch.int.spec.ts',
  'libs/kafka/src/units.int.spec.ts',
  'libs/environment/src/environment.int.spec.ts',
  'services/reconciliation/test/blindness.int.spec.ts',
  'services/reconciliation/test/returns.int.spec.ts',
  'libs/kafka/src/group.int.spec.ts',
  'test/proofs/rebuild.int.spec.ts',
  'services/provider-gateway/test/faults.int.spec.ts',
  'services/provider-gateway/test/restore.int.spec.ts',
  'services/provider-gateway/test/component.int.spec.ts',
  'services/ledger/test/rebuild.int.spec.ts',
  'services/ledger/test/slip-lists.int.spec.ts',
  'test/e2e/killed-services.e2e.spec.ts',
  'test/e2e/providers.e2e.spec.ts',
  'test/e2e/two-instances.e2e.spec.ts',
  'test/e2e/killed-ledger.e2e.spec.ts',
  'test/e2e/import.e2e.spec.ts',
  'test/e2e/slow-broker.e2e.spec.ts',
  'test/e2e/hostile-records.e2e.spec.ts',
  'test/e2e/promise.e2e.spec.ts',
  'test/e2e/field-cases.e2e.spec.ts',
  'test/e2e/diagnosis.e2e.spec.ts',
  'test/e2e/way-in.e2e.spec.ts',
  'test/e2e/gateway.e2e.spec.ts',
];

export default class LongestFirst {
  #root;

  constructor({ globalConfig }) {
    this.#root = globalConfig.rootDir;
  }

  sort(tests) {
    const rank = ({ path }) => {
      const place = longest.indexOf(relative(this.#root, path));
      return place < 0 ? longest.length : place;
    };
    const bytes = new Map(tests.map(({ path }) => [path, statSync(path).size]));
    return tests.toSorted((a, b) => rank(a) - rank(b) || bytes.get(b.path) - bytes.get(a.path));
  }

  shard(tests) {
    return tests;
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}
