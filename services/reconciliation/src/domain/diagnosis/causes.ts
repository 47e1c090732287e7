import { type Cause, type CauseCode, causes, causeTexts, type Proof, remedyOf } from '@slipstream/slip';

/** `confidence`: 0 (a guess) to 100 (proved). `evidence`: ids of the events that show it. */
export function causeOf(
  code: CauseCode,
  proof: Proof,
  confidence: number,
  evidence: readonly string[],
): Cause {
  const { customer, advice } = causeTexts[code].en;
  return {
    ...{ class: causes[code].class, code, confidence, evidence },
    ...{ summary: customer, remedy: remedyOf(proof, advice) },
  };
}
