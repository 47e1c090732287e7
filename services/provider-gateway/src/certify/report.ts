import type { SigningKeys } from '@slipstream/identity';
import { sealed } from '../adapters/certificates/envelope.ts';
import type { Capabilities, Check } from './checks.ts';

export const reportType = 'application/vnd.slipstream.provider-report.v1+json';

export interface Report {
  readonly url: string;
  readonly protocol: string;
  readonly began_at: string;
  readonly ended_at: string;
  /** What its rules would declare. */
  readonly declared: {
    readonly acceptance_delay_max_ms: number | null;
    readonly idempotent_by_reference: boolean;
  };
  readonly checks: readonly Check[];
  readonly capabilities: Capabilities;
  /** Exchanges with the sandbox, and SHA-256 over the tape's bytes: what was said can be held against what was kept. */
  readonly exchanges: number;
  readonly tape_sha256: string;
}

/** Signed as certificates of non-execution are: the exact bytes of the payload, by DSSE 1.0. */
export function signedReport(report: Report, keys: SigningKeys): string {
  return sealed(reportType, { key_id: keys.keyId, ...report }, keys);
}
