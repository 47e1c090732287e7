import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Health, HealthCheck } from '@slipstream/runtime';
import type { FastifyReply } from 'fastify';
import { Public } from './auth.ts';
import { list, object, text, yesOrNo } from './schemas.ts';

export interface Readiness {
  readonly ready: boolean;
  readonly draining: boolean;
  readonly checks: readonly ({ readonly name: string } & Health)[];
}

/** Whether this instance should get work. Parts register their checks; draining turns it off for good. */
export class HealthRegistry {
  private readonly checks = new Map<string, HealthCheck>();
  private draining = false;

  /** A later check with the same name replaces the earlier one. */
  register(name: string, check: HealthCheck): void {
    this.checks.set(name, check);
  }

  startDraining(): void {
    this.draining = true;
  }

  readiness(): Readiness {
    const checks = [...this.checks].map(([name, check]) => ({ name, ...run(check) }));
    const ready = !this.draining && checks.every(({ ok }) => ok);
    return { ready, draining: this.draining, checks };
  }
}

function run(check: HealthCheck): Health {
  try {
    return check();
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

const alive = object({ live: { ...yesOrNo, enum: [true] } });
const readiness = object({
  ...{ ready: yesOrNo, draining: yesOrNo },
  checks: list({
    type: 'object',
    required: ['name', 'ok'],
    properties: {
      ...{ name: text, ok: yesOrNo },
      detail: { ...text, description: 'what is wrong, or may soon be' },
    },
  }),
});

@ApiTags('health')
@Public()
@Controller()
export class HealthController {
  constructor(@Inject(HealthRegistry) private readonly health: HealthRegistry) {}

  @Get('livez')
  @ApiOperation({ summary: 'The process runs and its event loop turns' })
  @ApiOkResponse({ schema: alive })
  getLiveness(): { live: true } {
    return { live: true };
  }

  @Get('readyz')
  @ApiOperation({ summary: 'Whether this instance should be given work, by each of its checks' })
  @ApiOkResponse({ schema: readiness, description: 'It should' })
  @ApiResponse({ status: 503, schema: readiness, description: 'It should not' })
  getReadiness(@Res({ passthrough: true }) reply: FastifyReply): Readiness {
    const readiness = this.health.readiness();
    reply.code(readiness.ready ? 200 : 503);
    return readiness;
  }
}
