/** One configuration for every tier; the suffix picks the tier (`.spec.ts`, `.int.spec.ts`, `.e2e.spec.ts`). */
export default {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { swcrc: false, ...swc() }],
  },
  moduleNameMapper: {
    '^@slipstream/(kernel|slip|contracts|postgres|kafka|runtime|rules|identity|service-host|client|environment|testing)$':
      '<rootDir>/libs/$1/src/index.ts',
    '^@slipstream/(provider-simulator|slipctl|checker|local)$': '<rootDir>/apps/$1/src/index.ts',
  },
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/'],
  testSequencer: '<rootDir>/tools/ci/longest-first.mjs',
  // Ends a hang; no spec judges the machine.
  testTimeout: 180_000,
};

function swc() {
  return {
    jsc: {
      target: 'es2024',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  };
}
