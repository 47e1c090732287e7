import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const canaries = join(import.meta.dirname, 'canaries');

interface Cruise {
  summary: { totalCruised: number; violations: { rule: { name: string }; from: string }[] };
}

/** Runs the real command: the rules are worth what the command line gives. */
function cruise(cwd: string, folders: string[]): Cruise {
  const cli = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const config = join(root, 'dependency-cruiser.config.mjs');
  const args = [
    cli,
    '--config',
    config,
    '--output-type',
    'json',
    '--ts-config',
    join(root, 'tsconfig.json'),
    ...folders,
  ];
  try {
    return JSON.parse(
      execFileSync(process.execPath, args, { cwd, maxBuffer: 256 * 1024 * 1024, encoding: 'utf8' }),
    );
  } catch (error) {
    return JSON.parse((error as { stdout: string }).stdout);
  }
}

const found = ({ summary }: Cruise) =>
  summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`).sort();

describe('the import rules', () => {
  test('hold in the whole tree, and the whole tree was read', () => {
    const result = cruise(root, ['libs', 'services', 'apps', 'tools/ci/src']);
    expect(found(result)).toEqual([]);
    expect(result.summary.totalCruised).toBeGreaterThan(250);
  });

  test('can fail: every canary is caught, and nothing else', () => {
    expect(found(cruise(canaries, ['libs', 'services', 'apps', 'test']))).toEqual([
      'a-protocol-knows-ports-and-transport: services/alpha/src/providers/telex/knows-adapter.ts',
      'adapters-do-not-know-each-other: services/alpha/src/adapters/http/knows-postgres.ts',
      'adapters-http-stands-on-its-floor: services/alpha/src/adapters/http/knows-the-sdk.ts',
      'adapters-postgres-stands-on-its-floor: services/alpha/src/adapters/postgres/knows-kafka.ts',
      'application-knows-no-adapter: services/alpha/src/application/knows-adapter.ts',
      'contracts-stands-on-its-floor: libs/contracts/src/knows-kafka.ts',
      'domain-is-pure: services/alpha/src/domain/knows-application.ts',
      'kafkajs-stays-behind-libs-kafka: services/beta/src/knows-kafkajs.ts',
      'kernel-is-alone: libs/kernel/src/reads-files.ts',
      'libs-know-no-service: libs/kafka/src/knows-a-service.ts',
      'nest-stays-at-the-edge: services/alpha/src/adapters/postgres/knows-nest.ts',
      'no-circular: apps/tool/src/cycle-a.ts',
      'postgres-stands-on-its-floor: libs/postgres/src/knows-kafka.ts',
      'postgres-stands-on-its-floor: libs/postgres/src/knows-the-host.ts',
      'programs-know-no-service: apps/tool/src/knows-a-service.ts',
      'protocols-stay-behind-the-registry: services/alpha/src/app.module.ts',
      'providers-stay-behind-their-port: services/alpha/src/adapters/http/knows-a-provider.ts',
      'resolvable: apps/tool/src/unresolvable.ts',
      'services-know-no-program: services/alpha/src/adapters/http/knows-a-program.ts',
      'services-meet-on-kafka: services/beta/src/knows-alpha.ts',
      'services-ship-no-equipment: services/alpha/src/adapters/http/knows-the-sdk.ts',
      'slip-is-pure: libs/slip/src/knows-pg.ts',
      'source-knows-no-test: apps/tool/src/knows-test.ts',
      'source-knows-no-test: services/alpha/src/adapters/kafka/knows-its-test.ts',
      'source-knows-no-test: services/alpha/src/adapters/kafka/knows-spec-support.ts',
      'typeorm-stays-behind-libs-postgres: services/alpha/src/adapters/postgres/knows-typeorm.ts',
    ]);
  });
});
