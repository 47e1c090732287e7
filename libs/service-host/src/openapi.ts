import { Controller, Get, type INestApplication, Inject } from '@nestjs/common';
import { ApiExcludeController, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { errorCodes } from '@slipstream/kernel';
import { type Access, accessExtension, Public } from './auth.ts';
import { problemMediaType } from './problem.ts';

type Operation = Record<string, unknown> & { responses?: Record<string, unknown> };

const problemSchema = {
  type: 'object' as const,
  description: 'Problem details (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: {
      type: 'string',
      format: 'uri',
      description: 'names this occurrence; the log has the same id',
    },
    code: { type: 'string', enum: Object.keys(errorCodes) },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};

/** The OpenAPI 3.1 description of the application's controllers; every operation may answer with a problem. */
export function describeApi(app: INestApplication, service: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle(`Slipstream ${service}`)
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .build();
  const document = SwaggerModule.createDocument(app, config);
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: problemSchema },
  } as OpenAPIObject['components'];
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path) as unknown[]) complete(operation as Operation);
  }
  return document;
}

function complete(operation: Operation): void {
  if (typeof operation !== 'object' || operation === null || !('responses' in operation)) return;
  const schema = { $ref: '#/components/schemas/Problem' };
  const problem = { description: 'What went wrong', content: { [problemMediaType]: { schema } } };
  operation.responses = { default: problem, ...operation.responses };
  const access = operation[accessExtension] as Access | undefined;
  operation.security = access === 'public' ? [] : [{ bearer: access ?? [] }];
  delete operation[accessExtension];
}

/** Holds the description: it can only be made once the application exists. */
export class ApiDescription {
  private document: OpenAPIObject | null = null;
  describe: () => OpenAPIObject = () => {
    throw new Error('the application is not there yet');
  };

  get(): OpenAPIObject {
    this.document ??= this.describe();
    return this.document;
  }
}

@ApiExcludeController()
@Public()
@Controller()
export class OpenApiController {
  constructor(@Inject(ApiDescription) private readonly description: ApiDescription) {}

  @Get('openapi.json')
  document(): OpenAPIObject {
    return this.description.get();
  }
}
