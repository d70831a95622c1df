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
  pattern?: string;
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
interface Response {
  $ref?: string;
  description?: string;
  content?: Record<string, Content>;
}
interface Operation {
  [OPTIONAL_BODY]?: boolean;
  responses: Record<string, Response>;
  parameters?: { schema?: Schema; example?: unknown }[];
  requestBody?: { required?: boolean; content: Record<string, Content> };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses?: Record<string, Response> };
}

/** No response holds a longer string, or a list with more entries. */
const MAX_STRING_LENGTH = 8192;
const MAX_ARRAY_ITEMS = 1000;

const PLACEHOLDER = 'text';

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

/** Examples of properties whose schema has none, by name. */
const EXAMPLES_BY_NAME: Readonly<Record<string, string>> = {
  name: 'Release pipeline',
  email: 'ada@example.com',
  slug: 'shop',
  url: 'https://devpilot.example.com',
  hint: 'x7Qd',
  branch: 'main',
  commit: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b',
  command: 'npm ci',
  type: 'order.paid',
  message: 'Cannot read the configuration',
  description: 'Deploys the shop',
  nextCursor: 'eyJhZnRlciI6IjIwMjcifQ',
};

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
    const entries = Object.entries(schema.properties ?? {}).map(([name, part]) => {
      const example = exampleOf(part, schemas);
      return [name, example === PLACEHOLDER ? (EXAMPLES_BY_NAME[name] ?? PLACEHOLDER) : example];
    });
    return Object.fromEntries(entries) as unknown;
  }
  if (type === 'array') return schema.items === undefined ? [] : [exampleOf(schema.items, schemas)];
  if (type === 'integer' || type === 'number') return 1;
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return schema.format === 'date' ? '2027-02-24' : PLACEHOLDER;
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

/** Removes how a number or a boolean is written as text: the schema of a parameter describes its value. */
function describeValue(schema: Schema): void {
  if (schema.type !== 'integer' && schema.type !== 'boolean') return;
  delete schema.pattern;
  delete schema.enum;
}

/** The response of all operations to errors with this status; adds it to `responses` the first time. */
function sharedProblem(status: string, schema: Schema, responses: Record<string, Response>): Response {
  const name = `Problem${status}`;
  responses[name] ??= {
    description: describeStatus(status),
    content: { 'application/problem+json': { schema, example: problemExample(status) } },
  };
  return { $ref: `#/components/responses/${name}` };
}

function postprocessOperation(operation: Operation, { schemas, responses = {} }: Document['components']): void {
  for (const { schema } of operation.parameters ?? []) {
    if (schema === undefined) continue;
    describeValue(schema);
    addBounds(schema);
  }
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
      operation.responses[status] = sharedProblem(status, json.schema, responses);
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
  const { components } = document;
  const { schemas } = components;
  components.responses = {};
  for (const name of Object.keys(schemas)) {
    if (name.endsWith('Input') && schemas[name.slice(0, -'Input'.length)] !== undefined) delete schemas[name];
  }
  for (const schema of Object.values(schemas)) addBounds(schema);
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path)) postprocessOperation(operation, components);
  }
  return document;
}
