import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createTokenVerifier } from '@slipstream/identity';
import type { DeadLetterDesk, PartitionDesk, RuntimeHost, Tracing } from '@slipstream/runtime';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { AcceptGuard } from './accept-guard.ts';
import { AuthGuard } from './auth.ts';
import { type ClientQuota, ClientQuotaGuard } from './client-quota.ts';
import type { HostSettings } from './common-settings.ts';
import { CursorSeal } from './cursor-seal.ts';
import { deadLetterRoutes } from './dead-letters.controller.ts';
import { readExamples } from './examples.ts';
import { HealthController, HealthRegistry } from './health.ts';
import { createAdapter, type HttpLimits, httpLimits, type Shed } from './http-server.ts';
import { JsonLogger } from './logger.ts';
import { createMetrics, MetricsController, measureRequests, showBuild } from './metrics.ts';
import { ApiDescription, describeApi, OpenApiController } from './openapi.ts';
import { ProblemFilter } from './problem-filter.ts';
import { RouteTable } from './route-table.ts';
import { stoppedPartitionRoutes } from './stopped-partitions.controller.ts';
import { traceRequests } from './trace-requests.ts';
import { createValidationPipe } from './validation.ts';

/** What a service's parts and controllers can use of their host. */
export interface Host extends RuntimeHost {
  readonly app: NestFastifyApplication;
  readonly health: HealthRegistry;
  readonly metrics: Registry;
  readonly draining: AbortSignal;
}

export interface HostOptions {
  /** `ledger`: in logs, metrics and the ready line. */
  readonly name: string;
  readonly module: Type | DynamicModule;
  readonly settings: HostSettings;
  /** A file of what its own routes are asked with, and answer; shown in its description. */
  readonly examples?: URL;
  readonly limits?: Partial<HttpLimits>;
  /** Present: the routes of `/v1/dead-letters`. */
  readonly deadLetters?: DeadLetterDesk;
  /** Present: the routes of `/v1/stopped-partitions`. */
  readonly partitions?: PartitionDesk;
  /** What cursors are sealed with, the same in every instance; absent: they are good in this process alone. */
  readonly cursorKey?: Uint8Array;
  /** Absent: clients may send what they like. */
  readonly clientQuota?: ClientQuota | null;
  /** Absent: nothing is shed before it was read. */
  readonly shed?: Shed;
  /** Absent or null: no collector is told of requests. */
  readonly tracing?: Tracing | null;
}

/** Health, metrics and API description, and what they need; global, so that a service's module can inject it. */
@Module({})
class HostModule {}

/** Makes the Nest application with everything that services have in common. It does not listen yet. */
export async function createHost(options: HostOptions, draining: AbortSignal): Promise<Host> {
  const { name, settings } = options;
  const health = new HealthRegistry();
  const metrics = createMetrics(name);
  showBuild(metrics);
  const description = new ApiDescription();
  const routes = new RouteTable();
  const limits = { ...httpLimits, ...options.limits };
  const seal = new CursorSeal(options.cursorKey);
  const adapter = createAdapter(limits, routes, draining, seal, options.shed);
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  measureRequests(fastify, metrics);
  traceRequests(fastify, options.tracing ?? null);
  const providers = [
    { provide: HealthRegistry, useValue: health },
    { provide: Registry, useValue: metrics },
    { provide: ApiDescription, useValue: description },
  ];
  const desks: Pick<DynamicModule, 'controllers' | 'providers'>[] = [
    ...(options.deadLetters ? [deadLetterRoutes(options.deadLetters)] : []),
    ...(options.partitions ? [stoppedPartitionRoutes(options.partitions)] : []),
  ];
  const root: DynamicModule = {
    module: HostModule,
    global: true,
    imports: [options.module],
    controllers: [
      ...[HealthController, MetricsController, OpenApiController],
      ...desks.flatMap(({ controllers }) => controllers ?? []),
    ],
    providers: [...providers, ...desks.flatMap((desk) => desk.providers ?? [])],
    exports: [HealthRegistry, Registry],
  };
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: new JsonLogger(name, settings),
  });
  description.describe = () => describeApi(app, name, readExamples(options.examples));
  app.useGlobalFilters(new ProblemFilter(routes));
  app.useGlobalPipes(createValidationPipe());
  app.useGlobalGuards(
    new AuthGuard(
      createTokenVerifier({
        jwks: settings.jwks,
        issuer: settings.jwtIssuer,
        audience: settings.jwtAudience,
      }),
    ),
    new AcceptGuard(),
    ...(options.clientQuota ? [new ClientQuotaGuard(options.clientQuota)] : []),
  );
  const startTransport = (strategy: CustomTransportStrategy): Promise<unknown> => {
    app.connectMicroservice({ strategy });
    return app.startAllMicroservices();
  };
  return { app, health, metrics, draining, startTransport };
}
