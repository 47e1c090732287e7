import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';

type Schema = Readonly<Record<string, unknown>>;

/** JSON schemas of messages as protobuf's own JSON has them (ProtoJSON): int64 and bytes are texts, enums are names. */
export class JsonSchemas {
  readonly #comments: ReadonlyMap<string, string>;
  readonly #byName = new Map<string, Schema>();

  constructor(comments: ReadonlyMap<string, string>) {
    this.#comments = comments;
  }

  /** Those that were referred to, and what they refer to, by name. */
  all(): Record<string, Schema> {
    return Object.fromEntries([...this.#byName].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  reference(message: DescMessage): Schema {
    const { typeName } = message;
    if (!this.#byName.has(typeName)) {
      this.#byName.set(typeName, {}); // a message may hold itself
      this.#byName.set(typeName, this.#schemaOf(message));
    }
    return { $ref: `#/components/schemas/${typeName}` };
  }

  #schemaOf(message: DescMessage): Schema {
    const properties = message.fields.map((field) => [field.jsonName, this.#fieldOf(message, field)]);
    return {
      type: 'object',
      ...this.#description(message.typeName),
      properties: Object.fromEntries(properties),
    };
  }

  #fieldOf(message: DescMessage, field: DescField): Schema {
    const description = this.#description(`${message.typeName}.${field.name}`);
    const schema = this.#typeOf(field);
    // In draft 7 nothing beside a $ref counts.
    return '$ref' in schema && 'description' in description
      ? { ...description, allOf: [schema] }
      : { ...description, ...schema };
  }

  #description(name: string): { description?: string } {
    const description = this.#comments.get(name);
    return description === undefined ? {} : { description };
  }

  #typeOf(field: DescField): Schema {
    switch (field.fieldKind) {
      case 'scalar':
        return scalarSchema(field.scalar);
      case 'enum':
        return enumSchema(field.enum);
      case 'message':
        return this.#messageSchema(field.message);
      case 'map':
        return { type: 'object', additionalProperties: scalarSchema(field.scalar ?? ScalarType.STRING) };
      case 'list':
        if (field.listKind === 'message') return { type: 'array', items: this.#messageSchema(field.message) };
        return {
          type: 'array',
          items: field.listKind === 'enum' ? enumSchema(field.enum) : scalarSchema(field.scalar),
        };
    }
  }

  #messageSchema(message: DescMessage): Schema {
    if (message.typeName === 'google.protobuf.Timestamp') return { type: 'string', format: 'date-time' };
    return this.reference(message);
  }
}

function enumSchema({ values }: { values: readonly { name: string; number: number }[] }): Schema {
  return { type: 'string', enum: values.filter(({ number }) => number !== 0).map(({ name }) => name) };
}

const long = new Set([ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64]);

function scalarSchema(scalar: ScalarType): Schema {
  if (scalar === ScalarType.BOOL) return { type: 'boolean' };
  if (scalar === ScalarType.STRING) return { type: 'string' };
  if (scalar === ScalarType.BYTES) return { type: 'string', contentEncoding: 'base64' };
  if (scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT) return { type: 'number' };
  return long.has(scalar) ? { type: 'string', pattern: '^-?[0-9]+$' } : { type: 'integer' };
}
