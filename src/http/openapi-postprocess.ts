import { CODES, type Code } from '../contract/error-codes.ts';

interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  items?: Schema;
  propertyNames?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  maxLength?: number;
  maxItems?: number;
  [other: string]: unknown;
}
interface Content {
  schema?: Schema;
  example?: unknown;
}
/** Marks an operation whose body may be missing; the generator documents every body as required. */
export const OPTIONAL_BODY = 'x-optional-body';
interface Operation {
  [OPTIONAL_BODY]?: boolean;
  responses: Record<string, { description: string; content?: Record<string, Content> }>;
  parameters?: { schema?: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, Content> };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** No response holds a longer string, or a list with more entries. */
const MAX_STRING_LENGTH = 8192;
const MAX_ARRAY_ITEMS = 1000;

const DESCRIPTIONS: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 204: 'No content' };

/** Lists the error codes of a status as text. */
function describeStatus(status: string): string {
  const codes = (Object.keys(CODES) as Code[]).filter((code) => String(CODES[code].status) === status);
  return codes.length === 0 ? (DESCRIPTIONS[status] ?? 'Response') : codes.map((code) => `\`${code}\``).join(', ');
}

/** Adds a maximum to every string, array and integer. zod emits none for schemas of responses. */
function addBounds(schema: Schema): void {
  const types = [schema.type].flat();
  const isUnconstrained = schema.enum === undefined && schema.const === undefined;
  if (types.includes('string') && isUnconstrained && schema.maxLength === undefined)
    schema.maxLength = MAX_STRING_LENGTH;
  if (types.includes('array') && schema.maxItems === undefined) schema.maxItems = MAX_ARRAY_ITEMS;
  if (types.includes('integer')) schema.format = 'int64';
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  for (const part of [...Object.values(schema.properties ?? {}), ...variants]) addBounds(part);
  if (schema.items !== undefined) addBounds(schema.items);
  if (schema.propertyNames !== undefined) addBounds(schema.propertyNames);
}

function schemaNameOf(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}

/** Builds an example from the examples, enumerations and formats in a schema. */
function exampleOf(schema: Schema, schemas: Readonly<Record<string, Schema>>): unknown {
  if (schema.$ref !== undefined) return exampleOf(schemas[schemaNameOf(schema.$ref)] ?? {}, schemas);
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) return exampleOf(variants[0] ?? {}, schemas);
  const [type] = [schema.type].flat();
  if (type === 'object') {
    const entries = Object.entries(schema.properties ?? {}).map(([name, part]) => [name, exampleOf(part, schemas)]);
    return Object.fromEntries(entries) as unknown;
  }
  if (type === 'array') return schema.items === undefined ? [] : [exampleOf(schema.items, schemas)];
  if (type === 'integer' || type === 'number') return 1;
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return schema.format === 'date' ? '2027-02-24' : 'text';
}

/** An example of a problem with this status. */
function problemExample(status: string): unknown {
  const code =
    (Object.keys(CODES) as Code[]).find((candidate) => String(CODES[candidate].status) === status) ?? 'internal';
  const { title } = CODES[code];
  const details = {
    ...(code === 'validation_failed' && { errors: [{ field: 'name', message: 'must be 3 to 255 characters' }] }),
    ...(code === 'insufficient_scope' && { required: ['modify_env'] }),
  };
  return {
    type: `/docs/problems/${code}`,
    title,
    status: Number(status),
    detail: title,
    code,
    requestId: 'a1B2c3d4-7',
    ...details,
  };
}

function postprocessOperation(operation: Operation, schemas: Readonly<Record<string, Schema>>): void {
  for (const parameter of operation.parameters ?? []) if (parameter.schema !== undefined) addBounds(parameter.schema);
  const { requestBody } = operation;
  if (requestBody !== undefined && operation[OPTIONAL_BODY] === true) requestBody.required = false;
  delete operation[OPTIONAL_BODY];
  for (const content of Object.values(requestBody?.content ?? {})) {
    if (content.schema !== undefined) content.example = exampleOf(content.schema, schemas);
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    if (response.description === 'Default Response') response.description = describeStatus(status);
    const json = response.content?.['application/json'] ?? response.content?.['application/x-ndjson'];
    if (json?.schema === undefined) continue;
    if (json.schema.$ref === '#/components/schemas/Problem') {
      response.content = { 'application/problem+json': { schema: json.schema, example: problemExample(status) } };
    } else {
      addBounds(json.schema);
      json.example = exampleOf(json.schema, schemas);
    }
  }
}

/**
 * Completes the generated OpenAPI document: one component per shape, problems under their media type, and descriptions,
 * bounds and an example for every body.
 */
export function postprocessOpenApi(generated: object): Document {
  const text = JSON.stringify(generated).replace(/(#\/components\/schemas\/\w+)Input"/g, '$1"');
  const document = JSON.parse(text) as Document;
  const { schemas } = document.components;
  for (const name of Object.keys(schemas)) {
    if (name.endsWith('Input') && schemas[name.slice(0, -'Input'.length)] !== undefined) delete schemas[name];
  }
  for (const schema of Object.values(schemas)) addBounds(schema);
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path)) postprocessOperation(operation, schemas);
  }
  return document;
}
