/** Who may import whom (CONVENTIONS). `test/architecture` proves with canaries that each rule can fail. */
const service = '^services/([^/]+)/src';
const spec = '\\.spec\\.ts$';
const specSupport = '/(test-support/|test-database\\.ts|spec-support\\.ts)';
const notSource = [spec, specSupport];

/** The floors: which libraries a library stands on. What is not named here is not imported. */
const floors = {
  slip: ['kernel'],
  contracts: ['kernel', 'slip'],
  postgres: ['kernel', 'contracts'],
  kafka: ['kernel', 'contracts'],
  rules: ['kernel'],
  identity: ['kernel'],
  runtime: ['kernel', 'slip', 'contracts', 'postgres', 'kafka'],
  'service-host': ['kernel', 'postgres', 'identity', 'runtime'],
  client: ['kernel', 'slip', 'contracts', 'kafka'],
  testing: [],
  environment: ['testing'],
};

/** Which libraries a room of a service stands on, beside `kernel` and `slip`. */
const rooms = {
  'adapters/calls': ['rules', 'runtime'],
  'adapters/certificates': ['identity'],
  'adapters/http': ['contracts', 'identity', 'service-host', 'runtime'],
  'adapters/kafka': ['contracts', 'kafka', 'postgres', 'runtime'],
  'adapters/postgres': ['contracts', 'postgres'],
  providers: ['rules'],
  workers: ['postgres', 'runtime'],
};

const floorRules = Object.entries(floors).map(([lib, below]) => ({
  name: `${lib}-stands-on-its-floor`,
  severity: 'error',
  from: { path: `^libs/${lib}/src`, pathNot: notSource },
  to: { path: '^libs/', pathNot: `^libs/(${[lib, ...below].join('|')})/` },
}));

const roomRules = Object.entries(rooms).map(([room, below]) => ({
  name: `${room.replace('/', '-')}-stands-on-its-floor`,
  severity: 'error',
  from: { path: `${service}/${room}/`, pathNot: notSource },
  to: { path: '^libs/', pathNot: `^libs/(${['kernel', 'slip', ...below].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: 'node_modules' } },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'kernel-is-alone',
      severity: 'error',
      from: { path: '^libs/kernel/src', pathNot: spec },
      to: { pathNot: '^libs/kernel/src' },
    },
    {
      name: 'slip-is-pure',
      severity: 'error',
      from: { path: '^libs/slip/src', pathNot: `${spec}|/specification/` },
      to: { pathNot: '^libs/(slip|kernel)/src' },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      from: { path: `${service}/domain/`, pathNot: spec },
      to: { pathNot: ['^services/$1/src/domain/', '^libs/(kernel|slip)/src'] },
    },
    {
      name: 'application-knows-no-adapter',
      severity: 'error',
      from: { path: `${service}/application/`, pathNot: spec },
      // A digest is a pure function: the one thing of Node's that an application may use.
      to: {
        pathNot: ['^services/$1/src/(domain|application)/', '^libs/(kernel|slip)/src', '^(node:)?crypto$'],
      },
    },
    {
      name: 'adapters-do-not-know-each-other',
      severity: 'error',
      from: { path: '^services/([^/]+)/src/adapters/([^/]+)/' },
      to: { path: '^services/$1/src/adapters/', pathNot: '^services/$1/src/adapters/$2/' },
    },
    {
      // What is generic learns of a protocol through the port alone: nothing but the registry names one.
      name: 'protocols-stay-behind-the-registry',
      severity: 'error',
      from: {
        path: `${service}/`,
        pathNot: [`${service}/providers/(registry\\.ts$|[^/]+/)`, ...notSource],
      },
      to: { path: '^services/$1/src/providers/[^/]+/' },
    },
    {
      name: 'a-protocol-knows-ports-and-transport',
      severity: 'error',
      from: { path: `${service}/providers/([^/]+)/`, pathNot: notSource },
      to: {
        path: '^services/',
        pathNot: ['^services/$1/src/(domain|application)/', '^services/$1/src/providers/($2|transport)/'],
      },
    },
    {
      name: 'providers-stay-behind-their-port',
      severity: 'error',
      from: { path: '^services/([^/]+)/src/(adapters|workers|application|domain)/', pathNot: notSource },
      to: { path: '^services/$1/src/providers/' },
    },
    {
      name: 'services-meet-on-kafka',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'libs-know-no-service',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(services|apps|tools|test)/' },
    },
    {
      name: 'services-know-no-program',
      severity: 'error',
      from: { path: `${service}/`, pathNot: notSource },
      to: { path: '^(apps|tools|test)/' },
    },
    {
      name: 'programs-know-no-service',
      severity: 'error',
      from: { path: '^(apps|tools)/' },
      to: { path: '^services/' },
    },
    {
      name: 'services-ship-no-equipment',
      severity: 'error',
      from: { path: `${service}/`, pathNot: notSource },
      to: { path: '^libs/(client|environment|testing)/' },
    },
    ...floorRules,
    ...roomRules,
    {
      name: 'typeorm-stays-behind-libs-postgres',
      severity: 'error',
      from: { path: '^(libs|services|apps|tools)/', pathNot: '^libs/postgres/' },
      to: { path: 'node_modules/typeorm' },
    },
    {
      name: 'kafkajs-stays-behind-libs-kafka',
      severity: 'error',
      from: {
        path: '^(libs|services|apps|tools)/',
        pathNot: ['^libs/(kafka|environment)/', '^apps/checker/', spec],
      },
      to: { path: 'node_modules/kafkajs' },
    },
    {
      name: 'nest-stays-at-the-edge',
      severity: 'error',
      from: {
        path: '^(libs|services)/',
        pathNot: [
          '^libs/(service-host|runtime)/',
          '^services/[^/]+/src/(adapters/http/|app\\.module|main)',
          'test/',
          spec,
        ],
      },
      to: { path: 'node_modules/@nestjs' },
    },
    {
      name: 'source-knows-no-test',
      severity: 'error',
      from: {
        path: '^(libs|services|apps)/[^/]+/src/',
        // libs/environment is for tests and for running locally: it may wait as specs do.
        pathNot: [...notSource, '^libs/(testing|environment)/'],
      },
      to: {
        path: ['^test/', '^libs/testing/', '^(libs|services|apps|tools)/[^/]+/test/', spec, specSupport],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['(^|/)dist/', 'generated/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
    },
  },
};
