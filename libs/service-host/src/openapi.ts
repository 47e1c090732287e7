import { Controller, Get, type INestApplication, Inject } from '@nestjs/common';
import { ApiExcludeController, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { errorCodes } from '@slipstream/kernel';
import { type Access, accessExtension, Public } from './auth.ts';
import { closeBodies } from './closed-bodies.ts';
import { type Examples, showExamples } from './examples.ts';
import { problemMediaType } from './problem.ts';

type Operation = Record<string, unknown> & {
  responses?: Record<string, unknown>;
  readonly tags?: readonly string[];
};

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
export function describeApi(app: INestApplication, service: string, examples: Examples = {}): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle(`Slipstream ${service}`)
    .setDescription(
      'JSON in snake_case, times in RFC 3339 and UTC, amounts in minor units as text. Unknown fields and parameters are ' +
        'refused; whatever goes wrong is a problem (RFC 9457) with a stable `code`.',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/', 'The service that gave this description')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .build();
  // What a method of a controller is called is what callers of generated clients write.
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_, method) => method,
  });
  document.info.contact = { name: 'The maintainers of Slipstream' };
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: problemSchema },
  } as OpenAPIObject['components'];
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path) as unknown[]) complete(operation as Operation);
  }
  closeBodies(document);
  showExamples(document, examples);
  document.tags = tagsOf(document).map((name) => ({ name, description: `What there is about ${name}` }));
  return document;
}

function tagsOf({ paths }: OpenAPIObject): string[] {
  const operations = Object.values(paths).flatMap((path) => Object.values(path) as Operation[]);
  return [...new Set(operations.flatMap(({ tags = [] }) => tags))].sort();
}

function complete(operation: Operation): void {
  if (typeof operation !== 'object' || operation === null || !('responses' in operation)) return;
  const schema = { $ref: '#/components/schemas/Problem' };
  const problem = { description: 'What went wrong', content: { [problemMediaType]: { schema } } };
  operation.responses = { ...operation.responses, '4XX': problem, default: problem };
  const access = operation[accessExtension] as Access | undefined;
  operation.description = described(operation, access);
  operation.security = access === 'public' ? [] : [{ bearer: [] }];
  // Scopes stand beside it: linters know them of OAuth flows alone, and which flow gave the token is the issuer's business.
  if (access !== 'public') operation['x-scopes'] = access ?? [];
  delete operation[accessExtension];
}

/** Who reads the description alone should know who may call. */
function described({ summary, description }: Operation, access: Access | undefined): string {
  const who =
    access === 'public' ? 'Everybody may call it.' : `Needs the scope ${(access ?? []).join(' and ')}.`;
  return [description ?? `${summary ?? ''}.`, who].join('\n\n');
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
