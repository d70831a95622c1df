import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** Rules for the OpenAPI document beyond its schema: checks from the OWASP API Security Top 10, and conventions. */

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

interface Content {
  readonly schema?: Schema;
  readonly example?: unknown;
}

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}

export interface OpenApiDocument {
  readonly info: { readonly description?: string; readonly contact?: object; readonly license?: object };
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: Readonly<Record<string, { readonly scheme?: string; readonly in?: string }>>;
  };
}

export interface Finding {
  readonly rule: string;
  /** Method and path, or another location in the document. */
  readonly location: string;
}

interface OperationInContext {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
  readonly document: OpenApiDocument;
}

/** Names of parameters that would put a secret into URLs, which are written to logs. */
const SECRET_NAME = /secret|token|password|passphrase|api-?key/i;

const documentsStatus =
  (...statuses: readonly string[]) =>
  ({ operation }: OperationInContext) =>
    statuses.some((status) => operation.responses[status] !== undefined);
const isRestricted = ({ operation }: OperationInContext) => (operation.security ?? []).length > 0;
const namesIn = (parameters: readonly Parameter[], where: string) =>
  parameters.filter((parameter) => parameter.in === where).map(({ name }) => name);

/** Conditions that every operation must satisfy. */
const OPERATION_RULES: Readonly<Record<string, (operation: OperationInContext) => boolean>> = {
  'no-trailing-slash': ({ path }) => path === '/' || !path.endsWith('/'),
  'has-summary': ({ operation }) => (operation.summary ?? '') !== '',
  'tags-declared': ({ operation: { tags = [] }, document }) =>
    tags.length > 0 && tags.every((tag) => document.tags.some(({ name }) => name === tag)),
  'success-response': ({ operation }) => Object.keys(operation.responses).some((status) => /^[23]/.test(status)),
  'path-parameters': ({ path, operation: { parameters = [] } }) => {
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name);
    const required = parameters.filter((parameter) => parameter.in !== 'path' || parameter.required === true);
    return inPath.sort().join() === namesIn(required, 'path').sort().join();
  },
  'parameters-unique': ({ operation: { parameters = [] } }) =>
    new Set(parameters.map(({ $ref, in: where, name }) => $ref ?? `${where} ${name}`)).size === parameters.length,
  'security-defined': ({ operation: { security = [] }, document }) =>
    security.flatMap(Object.keys).every((name) => document.components.securitySchemes[name] !== undefined),
  'no-numeric-ids': ({ operation: { parameters = [] } }) =>
    parameters.every((parameter) => parameter.in !== 'path' || parameter.schema?.type === 'string'),
  'no-secrets-in-urls': ({ operation: { parameters = [] } }) =>
    ![...namesIn(parameters, 'path'), ...namesIn(parameters, 'query')].some((name) => SECRET_NAME.test(name)),
  'reads-restricted': (operation) => operation.method !== 'get' || isRestricted(operation),
  'writes-restricted': (operation) => operation.method === 'get' || isRestricted(operation),
  'error-401': documentsStatus('401'),
  'error-429': documentsStatus('429'),
  'error-500': documentsStatus('500'),
  'error-validation': documentsStatus('400', '422'),
};

/** Conditions that every schema with a type must satisfy. */
const SCHEMA_RULES: Readonly<Record<string, (schema: Schema, types: readonly string[]) => boolean>> = {
  'strings-bounded': ({ maxLength, ...schema }, types) =>
    !types.includes('string') || maxLength !== undefined || 'enum' in schema || 'const' in schema,
  'lists-bounded': ({ maxItems }, types) => !types.includes('array') || maxItems !== undefined,
  'integers-bounded': ({ maximum, format }, types) =>
    !types.includes('integer') || maximum !== undefined || format !== undefined,
  'objects-closed': ({ properties, additionalProperties }) =>
    properties === undefined || additionalProperties !== undefined,
};

/** Conditions that the document as a whole must satisfy. */
const DOCUMENT_RULES: Readonly<Record<string, (document: OpenApiDocument) => boolean>> = {
  'info-complete': ({ info }) => [info.description, info.contact, info.license].every((field) => field !== undefined),
  'tags-described': ({ tags }) =>
    new Set(tags.map(({ name }) => name)).size === tags.length && tags.every((tag) => tag.description !== undefined),
  'operation-ids-unique': ({ paths }) => {
    const ids = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    return !ids.includes(undefined) && new Set(ids).size === ids.length;
  },
  'components-used': (document) => {
    const text = JSON.stringify(document);
    return Object.keys(document.components.schemas).every((name) => text.includes(`"#/components/schemas/${name}"`));
  },
  'no-keys-in-query': ({ components }) =>
    Object.values(components.securitySchemes).every((scheme) => scheme.in !== 'query'),
  'no-http-basic': ({ components }) =>
    Object.values(components.securitySchemes).every((scheme) => scheme.scheme !== 'basic'),
};

/** Yields every schema with a type in a value, with its location. */
function* schemasIn(value: unknown, location: string): Generator<readonly [location: string, schema: Schema]> {
  if (typeof value !== 'object' || value === null) return;
  const { type } = value as Schema;
  if (typeof type === 'string' || Array.isArray(type)) yield [location, value as Schema];
  for (const [key, part] of Object.entries(value)) {
    if (!/^(?:examples?|enum|const|securitySchemes)$/.test(key)) yield* schemasIn(part, `${location}.${key}`);
  }
}

/**
 * Returns the contents of the request and responses, each with its JSON Pointer (RFC 6901) relative to the operation.
 */
function listContents({ requestBody, responses }: Operation): (readonly [pointer: string, content: Content])[] {
  const bodies = Object.entries({ requestBody, ...responses });
  return bodies.flatMap(([name, body]) =>
    Object.entries(body?.content ?? {}).map(([type, content]) => {
      const pointer = name === 'requestBody' ? name : `responses/${name}`;
      return [`${pointer}/content/${escapePointer(type)}`, content] as const;
    }),
  );
}

/** Escapes a name for a JSON Pointer in the fragment of a URI (RFC 6901, sections 3 and 6). */
export const escapePointer = (text: string) => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));

/** Returns the violations of the OpenAPI schema, of the rules above, and of two rules about examples. */
export async function lintDocument(document: OpenApiDocument): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { valid, errors } = await new Validator().validate({ ...document });
  if (!valid) findings.push({ rule: 'openapi-schema', location: JSON.stringify(errors) });

  for (const [rule, isSatisfied] of Object.entries(DOCUMENT_RULES)) {
    if (!isSatisfied(document)) findings.push({ rule, location: 'document' });
  }
  for (const [location, schema] of schemasIn(document, 'document')) {
    for (const [rule, isSatisfied] of Object.entries(SCHEMA_RULES)) {
      if (!isSatisfied(schema, [schema.type ?? []].flat())) findings.push({ rule, location });
    }
  }
  const ajv = new Ajv2020({ strict: false, validateFormats: false, inlineRefs: false, code: { optimize: false } });
  ajv.addSchema(document, 'openapi.json');
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const location = `${method} ${path}`;
      for (const [rule, isSatisfied] of Object.entries(OPERATION_RULES)) {
        if (!isSatisfied({ path, method, operation, document })) findings.push({ rule, location });
      }
      const hasInvalidExample = listContents(operation).some(([pointer, { schema, example }]) => {
        const ref = `openapi.json#/paths/${escapePointer(path)}/${method}/${pointer}/schema`;
        return schema !== undefined && example !== undefined && ajv.getSchema(ref)?.(example) !== true;
      });
      if (hasInvalidExample) findings.push({ rule: 'examples-valid', location });
      const lacksExample = ({ schema, example }: Content) =>
        schema !== undefined && schema.format !== 'binary' && example === undefined;
      if (listContents(operation).some(([, content]) => lacksExample(content)))
        findings.push({ rule: 'examples-given', location });
    }
  }
  return findings;
}
