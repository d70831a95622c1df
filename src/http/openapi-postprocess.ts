import { CODES, type Code } from '../contract/error-codes.ts';
import { RESOURCE_LIMITS } from '../contract/limits.ts';
import { mergeRequestAndResponseComponents } from './openapi-components.ts';
import { extractEnumerations } from './openapi-enums.ts';
import { exampleOf, oauthErrorExample, problemExample } from './openapi-examples.ts';
import { HEADER_COMPONENTS, HEADER_PARAMETERS, type HeaderParameter } from './openapi-headers.ts';
import { removeTextFormat } from './text-format.ts';

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
  additionalProperties?: unknown;
  [other: string]: unknown;
}
interface Content {
  schema?: Schema;
  example?: unknown;
}
/**
 * The extension that marks an operation whose body is optional, because the generator documents every body as required.
 */
export const OPTIONAL_BODY = 'x-optional-body';
/**
 * The extension that lists the content types of an operation's successful response until the document is postprocessed.
 */
export const CONTENT_TYPES = 'x-content-types';
/** The example of each content type; null for JSON, NDJSON and bytes. */
export type ContentTypes = Readonly<Record<string, string | null>>;
interface Response {
  $ref?: string;
  description?: string;
  content?: Record<string, Content>;
}
interface Operation {
  [OPTIONAL_BODY]?: boolean;
  [CONTENT_TYPES]?: ContentTypes;
  [HEADER_PARAMETERS]?: readonly HeaderParameter[];
  responses: Record<string, Response>;
  parameters?: { $ref?: string; schema?: Schema; example?: unknown }[];
  requestBody?: { required?: boolean; content: Record<string, Content> };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses?: Record<string, Response>; parameters?: object };
}

/** The documented limits of strings and arrays whose schemas have none. The longest array is the points of a chart. */
const MAX_STRING_LENGTH = 8192;
const MAX_ARRAY_ITEMS = RESOURCE_LIMITS.activityPoints;
/** Files and exports are streamed without a limit. This is the largest length that all clients can represent. */
const MAX_STREAM_LENGTH = 2 ** 31 - 1;

const DESCRIPTIONS: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 204: 'No content' };

/** Describes a status: the error codes that have it, or the name of a successful status. */
function describeStatus(status: string): string {
  const codes = (Object.keys(CODES) as Code[]).filter((code) => String(CODES[code].status) === status);
  return codes.length === 0 ? (DESCRIPTIONS[status] ?? 'Response') : codes.map((code) => `\`${code}\``).join(', ');
}

/**
 * Adds a maximum to every string and array without one, because API linters require it, and the format `int64` to every
 * integer. Documents that objects can have additional properties.
 */
function addBounds(schema: Schema): void {
  const types = [schema.type].flat();
  const isUnconstrained = schema.enum === undefined && schema.const === undefined;
  if (types.includes('string') && isUnconstrained && schema.maxLength === undefined)
    schema.maxLength = MAX_STRING_LENGTH;
  if (types.includes('array') && schema.maxItems === undefined) schema.maxItems = MAX_ARRAY_ITEMS;
  if (types.includes('integer')) schema.format = 'int64';
  if (schema.properties !== undefined) schema.additionalProperties ??= true;
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  for (const part of [...Object.values(schema.properties ?? {}), ...variants]) addBounds(part);
  if (schema.items !== undefined) addBounds(schema.items);
  if (schema.propertyNames !== undefined) addBounds(schema.propertyNames);
}

/**
 * Returns a reference to the shared response for problems with this status. Adds the response to `responses` if it is
 * missing.
 */
function sharedProblem(status: string, schema: Schema, responses: Record<string, Response>): Response {
  const name = `Problem${status}`;
  responses[name] ??= {
    description: describeStatus(status),
    content: { 'application/problem+json': { schema, example: problemExample(status) } },
  };
  return { $ref: `#/components/responses/${name}` };
}

/** Returns the content of a response in several content types. `json` is its content as JSON. */
function contentOfTypes(types: ContentTypes, json: Content): Record<string, Content> {
  const contentOf = (type: string, example: string | null): Content => {
    if (type === 'application/json') return json;
    if (type === 'application/x-ndjson') {
      const { data } = json.example as { data: unknown[] };
      return { schema: json.schema?.properties?.['data']?.items ?? {}, example: data[0] };
    }
    return example === null
      ? { schema: { type: 'string', format: 'binary', maxLength: MAX_STREAM_LENGTH } }
      : { schema: { type: 'string', maxLength: MAX_STREAM_LENGTH }, example };
  };
  return Object.fromEntries(Object.entries(types).map(([type, example]) => [type, contentOf(type, example)]));
}

function postprocessOperation(operation: Operation, { schemas, responses = {} }: Document['components']): void {
  for (const { schema } of operation.parameters ?? []) {
    if (schema === undefined) continue;
    removeTextFormat(schema);
    addBounds(schema);
  }
  const { requestBody } = operation;
  if (requestBody !== undefined && operation[OPTIONAL_BODY] === true) requestBody.required = false;
  delete operation[OPTIONAL_BODY];
  const headers = operation[HEADER_PARAMETERS] ?? [];
  const references = headers.map((name) => ({ $ref: `#/components/parameters/${name}` }));
  if (references.length > 0) operation.parameters = [...(operation.parameters ?? []), ...references];
  delete operation[HEADER_PARAMETERS];
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
      const isOAuthError = json.schema.$ref === '#/components/schemas/OAuthError';
      json.example = isOAuthError ? oauthErrorExample(status) : exampleOf(json.schema, schemas);
    }
    const types = operation[CONTENT_TYPES];
    if (types !== undefined && status.startsWith('2')) response.content = contentOfTypes(types, json);
  }
  delete operation[CONTENT_TYPES];
}

/**
 * Completes the generated OpenAPI document: gives problems their media type, responses a description, bodies an
 * example, and strings and arrays a maximum length.
 */
export function postprocessOpenApi(generated: object): Document {
  const document = JSON.parse(JSON.stringify(generated)) as Document;
  const { components, paths } = document;
  components.schemas = mergeRequestAndResponseComponents(paths, components.schemas);
  Object.assign(components.schemas, extractEnumerations([paths, components.schemas]));
  components.responses = {};
  components.parameters = HEADER_COMPONENTS;
  for (const schema of Object.values(components.schemas)) addBounds(schema);
  for (const path of Object.values(paths)) {
    for (const operation of Object.values(path)) postprocessOperation(operation, components);
  }
  return document;
}
