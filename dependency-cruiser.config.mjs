/** Who may import whom (CONVENTIONS). `test/architecture` proves with canaries that each rule can fail. */
const service = '^services/([^/]+)/src';
const spec = '\\.spec\\.ts$';

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
        pathNot: [`${service}/providers/(registry\\.ts$|[^/]+/)`, spec, 'spec-support'],
      },
      to: { path: '^services/$1/src/providers/[^/]+/' },
    },
    {
      name: 'a-protocol-knows-ports-and-transport',
      severity: 'error',
      from: { path: `${service}/providers/([^/]+)/`, pathNot: [spec, 'spec-support'] },
      to: {
        path: '^services/',
        pathNot: ['^services/$1/src/(domain|application)/', '^services/$1/src/providers/($2|transport)/'],
      },
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
      name: 'postgres-and-kafka-meet-in-the-host',
      severity: 'error',
      from: { path: '^libs/(postgres|kafka)/src', pathNot: spec },
      to: { path: '^libs/(postgres|kafka)/src', pathNot: '^libs/$1/src' },
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
          '^libs/(service-host|runtime|kafka)/',
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
        pathNot: [spec, '^libs/(testing|environment)/', 'test-support|test-database|spec-support'],
      },
      to: { path: ['^test/', '^libs/testing/'] },
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
