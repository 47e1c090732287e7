import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PublicKey } from '@slipstream/identity';
import { Public, rejectUnknownQuery } from '@slipstream/service-host';
import { describedKeys } from './described.ts';

/** Injection token of the public keys, the one that signs first. */
export const CERTIFICATE_KEYS = Symbol('certificate keys');

@ApiTags('slips')
@Controller('v1/certificates')
export class CertificatesController {
  constructor(@Inject(CERTIFICATE_KEYS) private readonly publicKeys: readonly PublicKey[]) {}

  @Get('keys')
  @Public()
  @ApiOperation({ summary: 'The public keys by which certificates of non-execution are checked (RFC 7517)' })
  @ApiOkResponse({ description: 'A JSON Web Key Set', schema: describedKeys as object })
  listCertificateKeys(@Query() query: Record<string, unknown>): { readonly keys: readonly PublicKey[] } {
    rejectUnknownQuery(query, []);
    return { keys: this.publicKeys };
  }
}
