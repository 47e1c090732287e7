import type { SpanFacts, Tracing } from '@slipstream/runtime';
import type { Ended, PreparedCall, Provider, Providers } from '../../application/ports.ts';
import type { Dispatch } from '../../domain/dispatch/state.ts';
import type { CallOutcome } from '../../domain/provider/answer.ts';

/** Tells of each dispatch call that is made, below the request that began its slip; a slip without a trace has no span. */
export function tracedCalls(providers: Providers, tracing: Tracing): Providers {
  return new Map([...providers].map(([id, provider]) => [id, traced(provider, tracing)]));
}

function traced(provider: Provider, tracing: Tracing): Provider {
  // What is called says its slip alone; what it was prepared from says on whose behalf.
  const prepared = new WeakMap<PreparedCall, Dispatch>();
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
      const span = tracing.begin({
        name: `dispatch ${provider.id}`,
        kind: 'client',
        traceparent: dispatch.traceparent,
        facts: {
          'slipstream.slip_id': call.slipId,
          'slipstream.provider': provider.id,
          'slipstream.route': dispatch.route,
          'slipstream.attempt': dispatch.attempt,
        },
      });
      const ended = await provider.send(call, startBeforeMs);
      span.end(factsOf(ended), failureOf(ended.outcome));
      return ended;
    },
  };
}

function factsOf({ outcome, httpStatus }: Ended<CallOutcome>): SpanFacts {
  return {
    'slipstream.outcome': outcome.kind,
    ...(outcome.kind !== 'answered' && { 'slipstream.reason': outcome.reason }),
    ...(httpStatus !== undefined && { 'http.response.status_code': httpStatus }),
  };
}

/** The reason, and not the detail: that may repeat what a provider said. */
function failureOf(outcome: CallOutcome): Error | undefined {
  return outcome.kind === 'answered' ? undefined : new Error(`${outcome.kind}: ${outcome.reason}`);
}
