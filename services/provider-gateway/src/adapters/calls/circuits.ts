import { circuitWindow } from '@slipstream/rules';
import type { ProviderHealth } from '@slipstream/slip';
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  CountBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel';
import type {
  Circuits,
  CircuitView,
  Ended,
  PreparedCall,
  Probe,
  Provider,
  Providers,
  StatementSource,
} from '../../application/ports.ts';
import type { HealthChange } from '../../application/tell-health.ts';
import type { CallOutcome, InquiryOutcome } from '../../domain/provider/answer.ts';
import { healthOf, isMissing, type ProbeSigns } from '../../domain/provider/health.ts';
import { CallWindow } from './call-window.ts';

/** Too many failed: no more are made for a while. Calls and questions each by themselves. */
const breaker = {
  threshold: circuitWindow.failedShare,
  size: circuitWindow.calls,
  minimumNumberOfCalls: circuitWindow.callsMin,
};
/** Between two looks at the health of one provider. */
const healthPauseMs = 1_000;

/** Who is called, and for what, for people who count. */
export interface CallFor {
  readonly provider: string;
  /** Of its slip; empty where it is about none. */
  readonly route: string;
  readonly call: 'dispatch' | 'inquiry' | 'cancellation' | 'statement' | 'probe';
}

/** How one call to a provider ended. */
export interface MeteredCall extends CallFor {
  readonly outcome: string;
  readonly reason: string;
  readonly tookMs: number;
}

export interface CircuitOptions {
  readonly monotonicMs: () => number;
  readonly onCall: (call: MeteredCall) => void;
  /** One call more is under way, or one less. */
  readonly onUnderWay: (call: CallFor, by: 1 | -1) => void;
  /** False: it could not be told, and is looked at again with the next call. */
  readonly onHealth: (change: HealthChange) => Promise<boolean>;
}

/** The providers with a circuit around each one's dispatch calls, and one around its questions, and what is seen of them. */
export function watched(
  providers: Providers,
  options: CircuitOptions,
): { readonly providers: Providers; readonly circuits: Circuits } {
  const circuits = new Map([...providers.values()].map((one) => [one.id, new Circuit(one, options)]));
  return {
    providers: new Map([...circuits].map(([id, circuit]) => [id, circuit.provider])),
    circuits: {
      allowed: (id, concurrencyMax) => circuits.get(id)?.allowed(concurrencyMax) ?? concurrencyMax,
      questions: (id, concurrencyMax) => circuits.get(id)?.questions(concurrencyMax) ?? concurrencyMax,
      isHealthy: (id) => circuits.get(id)?.isHealthy() ?? true,
      view: (id) => circuits.get(id)?.view() ?? nothing,
    },
  };
}

const nothing: CircuitView = {
  ...{
    state: 'closed',
    inquiries: 'closed',
    calls: 0,
    failures: 0,
    timeouts: 0,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
  },
  probe: null,
};

class Circuit {
  /** The provider, its calls watched. */
  readonly provider: Provider;
  readonly #options: CircuitOptions;
  readonly #window = new CallWindow();
  /** What is sent says its slip alone; what it was prepared from says the route. */
  readonly #routes = new WeakMap<PreparedCall, string>();
  readonly #policy: CircuitBreakerPolicy;
  readonly #asking: CircuitBreakerPolicy;
  #openedAtMs = 0;
  #silentFromMs = 0;
  #probes: ProbeSigns | null = null;
  #health: ProviderHealth = 'healthy';
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(provider: Provider, options: CircuitOptions) {
    this.#options = options;
    this.#policy = circuitBreaker(
      handleWhenResult((ended) => isFailure((ended as Ended<CallOutcome>).outcome)),
      { halfOpenAfter: provider.capabilities.circuitOpenMs, breaker: new CountBreaker(breaker) },
    );
    this.#asking = circuitBreaker(
      handleWhenResult((ended) => (ended as Ended<InquiryOutcome>).outcome.kind === 'no_answer'),
      { halfOpenAfter: provider.capabilities.circuitOpenMs, breaker: new CountBreaker(breaker) },
    );
    this.#asking.onBreak(() => {
      this.#silentFromMs = options.monotonicMs();
    });
    this.#policy.onBreak(() => {
      this.#openedAtMs = options.monotonicMs();
      // What was answered before says nothing of now.
      this.#probes &&= nothingAsked;
    });
    if (provider.probe) this.#probes = nothingAsked;
    this.provider = {
      ...provider,
      prepare: (dispatch) => {
        const call = provider.prepare(dispatch);
        this.#routes.set(call, dispatch.route);
        return call;
      },
      send: (call, startBeforeMs) => {
        const dispatch = this.#for('dispatch', this.#routes.get(call));
        return this.#underWay(dispatch, () => this.#send(dispatch, () => provider.send(call, startBeforeMs)));
      },
      inquire: (slipId, askedFor) => {
        const inquiry = this.#for('inquiry', askedFor?.route);
        return this.#underWay(inquiry, () =>
          this.#inquire(inquiry, () => provider.inquire(slipId, askedFor)),
        );
      },
      cancel: provider.cancel && this.#told(provider.cancel),
      statements: provider.statements && this.#metered(provider.statements),
      probe: provider.probe && this.#heeded(provider.probe),
    };
  }

  allowed(concurrencyMax: number): number {
    switch (this.#policy.state) {
      case CircuitState.Closed:
        return concurrencyMax;
      case CircuitState.Open:
        return this.#mayTry() ? 1 : 0;
      default:
        return 0;
    }
  }

  /** Behind an open circuit all may be put: they are answered at once, and hold no connection. One alone tries it again. */
  questions(concurrencyMax: number): number {
    switch (this.#asking.state) {
      case CircuitState.Closed:
        return concurrencyMax;
      case CircuitState.Open:
        return this.#mayAsk() ? 1 : concurrencyMax;
      default:
        return 0;
    }
  }

  isHealthy(): boolean {
    return this.allowed(1) !== 0 && !isMissing(this.#probes);
  }

  view(): CircuitView {
    const { state } = this.#policy;
    return {
      state: nameOf(state, this.#mayTry()),
      inquiries: nameOf(this.#asking.state, this.#mayAsk()),
      ...this.#window.summary(this.#options.monotonicMs()),
      probe: this.#probes,
    };
  }

  /** Where it is asked whether it is there, no slip is risked before it said so. */
  #mayTry(): boolean {
    if (this.#probes?.answered === 0) return false;
    return this.#options.monotonicMs() - this.#openedAtMs >= this.provider.capabilities.circuitOpenMs;
  }

  #mayAsk(): boolean {
    return this.#options.monotonicMs() - this.#silentFromMs >= this.provider.capabilities.circuitOpenMs;
  }

  async #send(dispatch: CallFor, send: () => Promise<Ended<CallOutcome>>): Promise<Ended<CallOutcome>> {
    const begunMs = this.#options.monotonicMs();
    let ended: Ended<CallOutcome>;
    try {
      ended = await this.#policy.execute(send);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      ended = { outcome: circuitOpen, released: Promise.resolve() };
    }
    const { outcome } = ended;
    const atMs = this.#options.monotonicMs();
    const tookMs = atMs - begunMs;
    if (outcome !== circuitOpen) {
      const isTimeout = outcome.kind !== 'answered' && /timeout/.test(outcome.reason);
      this.#window.note({ atMs, tookMs, isFailure: isFailure(outcome), isTimeout });
    }
    this.#meter(dispatch, outcome, tookMs);
    this.#look(atMs);
    return ended;
  }

  async #inquire(
    inquiry: CallFor,
    inquire: () => Promise<Ended<InquiryOutcome>>,
  ): Promise<Ended<InquiryOutcome>> {
    const begunMs = this.#options.monotonicMs();
    let ended: Ended<InquiryOutcome>;
    try {
      ended = await this.#asking.execute(inquire);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      ended = { outcome: notAsked, released: Promise.resolve() };
    }
    this.#meter(inquiry, ended.outcome, this.#options.monotonicMs() - begunMs);
    return ended;
  }

  /** Each follows an answered question, so it needs no circuit of its own, and says nothing about that of questions. */
  #told(cancel: NonNullable<Provider['cancel']>): NonNullable<Provider['cancel']> {
    return async (slipId, askedFor) => {
      const begunMs = this.#options.monotonicMs();
      const cancellation = this.#for('cancellation', askedFor?.route);
      const ended = await this.#underWay(cancellation, () => cancel(slipId, askedFor));
      this.#meter(cancellation, ended.outcome, this.#options.monotonicMs() - begunMs);
      return ended;
    };
  }

  #heeded({ everyMs, ask }: Probe): Probe {
    return {
      everyMs,
      ask: async () => {
        const begunMs = this.#options.monotonicMs();
        const said = await this.#underWay(this.#for('probe'), ask);
        const atMs = this.#options.monotonicMs();
        const { answered, failed } = this.#probes ?? nothingAsked;
        this.#probes =
          said.kind === 'answered'
            ? { answered: answered + 1, failed: 0, problem: null }
            : { answered: 0, failed: failed + 1, problem: said.detail };
        this.#meter(this.#for('probe'), said, atMs - begunMs);
        this.#look(atMs);
        return said;
      },
    };
  }

  #metered(source: StatementSource): StatementSource {
    return {
      ...source,
      fetch: async (day) => {
        const begunMs = this.#options.monotonicMs();
        const fetched = await this.#underWay(this.#for('statement'), () => source.fetch(day));
        this.#meter(this.#for('statement'), fetched, this.#options.monotonicMs() - begunMs);
        return fetched;
      },
    };
  }

  #for(call: CallFor['call'], route = ''): CallFor {
    return { provider: this.provider.id, route, call };
  }

  async #underWay<T>(call: CallFor, ask: () => Promise<T>): Promise<T> {
    this.#options.onUnderWay(call, 1);
    try {
      return await ask();
    } finally {
      this.#options.onUnderWay(call, -1);
    }
  }

  #meter(call: CallFor, outcome: { readonly kind: string }, tookMs: number): void {
    const reason = 'reason' in outcome ? String(outcome.reason) : '';
    this.#options.onCall({ ...call, outcome: outcome.kind, reason, tookMs });
  }

  /** A change is told once; the call that showed it does not wait for that. */
  #look(atMs: number): void {
    const isCalled = this.#policy.state === CircuitState.Closed || (this.#probes !== null && this.#mayTry());
    if (atMs - this.#lookedAtMs < healthPauseMs && isCalled === (this.#health !== 'down')) return;
    this.#lookedAtMs = atMs;
    const signs = this.view();
    const previous = this.#health;
    const health = healthOf(previous, { ...signs, isCalled }, this.provider.capabilities.answerTimeoutMs);
    if (health === previous) return;
    this.#health = health;
    void this.#options.onHealth({ provider: this.provider.id, previous, health, signs }).then((told) => {
      if (!told && this.#health === health) this.#health = previous;
    });
  }
}

/** Of a call that ends so the circuit counts; that we were too late ourselves is no word about the provider. */
function isFailure(outcome: CallOutcome): boolean {
  if (outcome.kind === 'answered') return false;
  return outcome.kind === 'unanswered' || outcome.reason !== 'too_late';
}

const nothingAsked: ProbeSigns = { answered: 0, failed: 0, problem: null };

function nameOf(state: CircuitState, mayTry: boolean): CircuitView['state'] {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.Open && !mayTry ? 'open' : 'half_open';
}

const notAsked: InquiryOutcome = {
  kind: 'no_answer',
  detail: 'circuit_open: too many questions to the provider got no answer, so it was not asked',
};

const circuitOpen: CallOutcome = {
  kind: 'not_sent',
  reason: 'circuit_open',
  detail: 'Too many calls to the provider failed, so it was not sent.',
};
