import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import { isUuid, SlipstreamError } from '@slipstream/kernel';
import {
  ApiList,
  answerList,
  Caller,
  isPlaceOf,
  type JsonValue,
  type ListReply,
  type ListRequest,
  listParameters,
  Scopes,
  toSnakeJson,
  unusable,
} from '@slipstream/service-host';
import { type Proofs, provedEventsMax } from '../../application/proofs.ts';
import type { LedgerQueries } from '../../application/queries.ts';
import type { StoredCheckpoint } from '../../application/take-checkpoint.ts';
import { checkpointOf } from '../../domain/log/checkpoint.ts';
import type { Hash } from '../../domain/log/follow.ts';
import { ApiCheckpoint, ApiConsistencyProof, ApiSlipProof, describedCheckpoint } from './described-proofs.ts';
import { Parameters, type Query as QueryOf } from './parameters.ts';
import { PROOFS, QUERIES } from './tokens.ts';
import { isVisible, readsMetadata } from './visible.ts';

@ApiTags('proofs')
@Scopes('slips:read')
@Controller('v1')
export class ProofsController {
  constructor(
    @Inject(PROOFS) private readonly proofs: Proofs,
    @Inject(QUERIES) private readonly queries: LedgerQueries,
  ) {}

  @Get('checkpoints')
  @ApiOperation({ summary: 'Signed checkpoints of the log, latest first' })
  @ApiList(describedCheckpoint, 'A page of checkpoints')
  async listCheckpoints(
    @Query() query: QueryOf,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    new Parameters(query, listParameters);
    return answerList(request, reply, {
      isKey: isPlaceOf(isUuid),
      read: (page) => this.proofs.checkpoints(page),
      show: checkpointJson,
      item: describedCheckpoint,
    });
  }

  @Get('checkpoints/:id')
  @ApiOperation({ summary: 'One checkpoint, or `latest`' })
  @ApiCheckpoint()
  async getCheckpoint(@Param('id') id: string, @Query() query: QueryOf): Promise<JsonValue> {
    new Parameters(query, []);
    const found = await this.proofs.checkpoint(id);
    if (found === null) throw noCheckpoint(id);
    return checkpointJson(found);
  }

  @Get('checkpoints/:id/consistency')
  @ApiOperation({ summary: 'Proves that the log of an earlier checkpoint only got longer up to this one' })
  @ApiQuery({ name: 'from', required: true, description: 'id of the earlier checkpoint' })
  @ApiConsistencyProof()
  async proveConsistency(@Param('id') id: string, @Query() query: QueryOf): Promise<JsonValue> {
    const from = new Parameters(query, ['from']).text('from');
    if (from === undefined) throw unusable('from', 'give the id of the earlier checkpoint');
    const proof = await this.proofs.consistency(from, id);
    if (proof === null) throw noCheckpoint(`${from} or ${id}`);
    return {
      kind: 'slipstream-consistency-proof-v1',
      from: checkpointJson(proof.from),
      to: checkpointJson(proof.to),
      partitions: proof.partitions.map(({ partition, path }) => ({ partition, path: path.map(base64) })),
    };
  }

  @Get('slips/:id/proof')
  @ApiOperation({
    summary: `Proves that the signed log has the events of a slip, at most ${provedEventsMax} of them`,
  })
  @ApiQuery({ name: 'after', required: false, description: 'only events after this version; default: 0' })
  @ApiSlipProof()
  async proveSlip(
    @Param('id') id: string,
    @Query() query: QueryOf,
    @Caller() caller: CallerIdentity,
  ): Promise<JsonValue> {
    const after = new Parameters(query, ['after']).text('after') ?? '0';
    if (!/^\d{1,9}$/.test(after)) throw unusable('after', 'must be a version');
    const slip = id.includes('\0') ? null : await this.queries.slip(id);
    const isShown = slip !== null && isVisible(slip, caller);
    if (isShown && !readsMetadata(caller)) {
      throw new SlipstreamError(
        'forbidden',
        'A proof has what was written beside the slip: it needs the scope metadata:read.',
      );
    }
    const proof = isShown ? await this.proofs.ofSlip(id, Number(after)) : null;
    if (proof === null) throw new SlipstreamError('not_found', `There is no slip ${JSON.stringify(id)}.`);
    return {
      kind: 'slipstream-slip-proof-v1',
      slip_id: proof.slipId,
      version: proof.version,
      checkpoint: checkpointJson(proof.checkpoint),
      events: proof.events.map(({ bytes, chain, path, ...place }) => ({
        ...place,
        bytes: bytes.toString('base64'),
        chain: base64(chain),
        path: path.map(base64),
      })),
    };
  }
}

const base64 = (hash: Hash): string => Buffer.from(hash, 'latin1').toString('base64');

function checkpointJson({ id, at, note, keyId, verifierKey }: StoredCheckpoint): JsonValue {
  const trees = checkpointOf(note).heads.map(({ root, ...head }) => ({ ...head, root: base64(root) }));
  return toSnakeJson({ id, at, note, key: { id: keyId, verifierKey }, trees });
}

function noCheckpoint(id: string): SlipstreamError {
  return new SlipstreamError('not_found', `There is no checkpoint ${JSON.stringify(id)}.`);
}
