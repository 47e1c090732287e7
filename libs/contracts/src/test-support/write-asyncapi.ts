import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncApi } from './asyncapi.ts';
import { protoComments } from './proto-comments.ts';

const root = join(import.meta.dirname, '../../../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
writeFileSync(join(root, 'docs/reference/asyncapi.yaml'), asyncApi(version, protoComments()));
