import { ApiOkResponse } from '@nestjs/swagger';
import { schemas } from '@slipstream/service-host';

const { list, object, oneOf, text, time, whole } = schemas;

const base64 = { ...text, contentEncoding: 'base64' };
const count = { ...whole, minimum: 0 };

export const describedCheckpoint = object({
  id: { ...text, format: 'uuid' },
  at: time,
  note: { ...text, description: 'what is signed, and the signature: a signed note (c2sp.org/signed-note)' },
  key: object({ id: text, verifier_key: text }),
  trees: list(object({ partition: count, size: count, root: base64 })),
});

const consistency = object({
  kind: oneOf('slipstream-consistency-proof-v1'),
  from: describedCheckpoint,
  to: describedCheckpoint,
  partitions: list(object({ partition: count, path: list(base64) })),
});

const slipProof = object({
  kind: oneOf('slipstream-slip-proof-v1'),
  slip_id: text,
  version: count,
  checkpoint: describedCheckpoint,
  events: list(
    object({
      version: count,
      partition: count,
      offset: count,
      index: count,
      bytes: base64,
      chain: base64,
      path: list(base64),
    }),
  ),
});

export const ApiCheckpoint = () =>
  ApiOkResponse({ description: 'The checkpoint', schema: describedCheckpoint });
export const ApiConsistencyProof = () => ApiOkResponse({ description: 'The proof', schema: consistency });
export const ApiSlipProof = () => ApiOkResponse({ description: 'The proof', schema: slipProof });
