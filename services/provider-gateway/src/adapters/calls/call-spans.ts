import type { OpenSpan, SpanFacts, Tracing } from '@slipstream/runtime';
import type { AskedFor, Ended, PreparedCall, Provider, Providers } from '../../application/ports.ts';
import type { Dispatch } from '../../domain/dispatch/state.ts';
import type { CallOutcome, CancelOutcome, InquiryOutcome } from '../../domain/provider/answer.ts';

/**
 * Tells of each dispatch call, each question and each cancellation that is made, below the request that began its slip; a slip without a trace
 * has no span.
 */
export function tracedCalls(providers: Providers, tracing: Tracing): Providers {
  return new Map([...providers].map(([id, provider]) => [id, traced(provider, tracing)]));
}

function traced(provider: Provider, tracing: Tracing): Provider {
  // What is called says its slip alone; what it was prepared from says on whose behalf.
  const prepared = new WeakMap<PreparedCall, Dispatch>();
  const begin = (call: string, slip: Slip, facts: SpanFacts) =>
    tracing.begin({
      name: `${call} ${provider.id}`,
      kind: 'client',
      traceparent: slip.traceparent,
      facts: {
        'slipstream.slip_id': slip.slipId,
        'slipstream.provider': provider.id,
        'slipstream.route': slip.route,
        ...facts,
      },
    });
  const asking =
    <Said extends InquiryOutcome | CancelOutcome>(
      call: string,
      ask: (slipId: string, askedFor?: AskedFor) => Promise<Ended<Said>>,
    ) =>
    async (slipId: string, askedFor?: AskedFor): Promise<Ended<Said>> => {
      if (!askedFor?.traceparent) return ask(slipId, askedFor);
      const { n } = askedFor;
      const span = begin(call, { slipId, ...askedFor }, n === null ? {} : { 'slipstream.inquiry': n });
      return told(span, await ask(slipId, askedFor), askedWell);
    };
  return {
    ...provider,
    prepare(dispatch) {
      const call = provider.prepare(dispatch);
      prepared.set(call, dispatch);
      return call;
    },
    async send(call, startBeforeMs) {
      const dispatch = prepared.get(call);
      if (!dispatch?.traceparent) return provider.send(call, startBeforeMs);
      const span = begin('dispatch', dispatch, { 'slipstream.attempt': dispatch.attempt });
      return told(span, await provider.send(call, startBeforeMs), sentWell);
    },
    inquire: asking('inquiry', (slipId, askedFor) => provider.inquire(slipId, askedFor)),
    cancel: provider.cancel && asking('cancellation', provider.cancel),
  };
}

type Slip = Pick<Dispatch, 'slipId' | 'route' | 'traceparent'>;

/** Whether it ended as it should: a provider that has not got the slip, and says so, has answered. */
const sentWell = ({ kind }: CallOutcome) => kind === 'answered';
const askedWell = ({ kind }: InquiryOutcome | CancelOutcome) => kind !== 'no_answer';

function told<Said extends CallOutcome | InquiryOutcome | CancelOutcome>(
  span: OpenSpan,
  ended: Ended<Said>,
  isWell: (outcome: Said) => boolean,
): Ended<Said> {
  const { outcome, httpStatus } = ended;
  const { kind } = outcome;
  // The reason, and not the detail: that may repeat what a provider said.
  const reason = 'reason' in outcome ? outcome.reason : null;
  const facts: SpanFacts = {
    'slipstream.outcome': kind,
    ...(reason !== null && { 'slipstream.reason': reason }),
    ...(httpStatus !== undefined && { 'http.response.status_code': httpStatus }),
  };
  span.end(facts, isWell(outcome) ? undefined : new Error(reason === null ? kind : `${kind}: ${reason}`));
  return ended;
}
