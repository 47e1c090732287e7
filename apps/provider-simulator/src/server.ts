import Fastify, { type FastifyInstance } from 'fastify';
import { useProblems } from './problem.ts';

const BODY_BYTES_MAX = 1_048_576;

/** A Fastify instance that checks input as it came (no coercion, no silent removal) and answers with problems. */
export function newServer(): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: true } },
  });
  useProblems(app);
  return app;
}
