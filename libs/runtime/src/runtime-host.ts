import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { Registry } from 'prom-client';
import type { HealthCheck } from './health.ts';

/** What the runtime needs of the process it runs in; the HTTP host gives it. */
export interface RuntimeHost {
  readonly health: { register(name: string, check: HealthCheck): void };
  readonly metrics: Registry;
  /** Runs a transport beside HTTP; rejects when it cannot be started. */
  startTransport(transport: CustomTransportStrategy): Promise<unknown>;
}
