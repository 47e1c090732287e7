import { createRequire } from 'node:module';

const repaired = '2.2.4';
const { version } = createRequire(import.meta.url)('kafkajs/package.json') as { version: string };

// The repairs beside this file replace private parts of that version: in another they could do nothing, or harm.
if (version !== repaired) {
  throw new Error(
    `kafkajs is ${version}, but libs/kafka repairs ${repaired}: look at the files that import this one`,
  );
}
