import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { OpenApiDocument } from './openapi-rules.ts';

/**
 * Converts an OpenAPI document to a list of facts that clients rely on, to distinguish compatible from breaking
 * changes. `op`: an operation exists. `req`: a request can have a value of this type, or this value (`=`), at this
 * location; `req!`: a value is required there; `limit`: a keyword limits the value. `res`: a response can have a value
 * of this type, or this value, at this location; `res!`: a value is always present there.
 */

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly [keyword: string]: unknown;
}
interface Body {
  readonly $ref?: string;
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Parameter {
  readonly $ref?: string;
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
}

const UPPER_LIMITS = ['maxLength', 'maximum', 'maxItems', 'maxProperties'];
const LOWER_LIMITS = ['minLength', 'minimum', 'minItems', 'minProperties'];
const OTHER_LIMITS = ['format', 'pattern', 'uniqueItems'];
type Direction = 'req' | 'res';

const componentName = (reference: string) => reference.slice(reference.lastIndexOf('/') + 1);

/** File with the accepted facts of the document. `scripts/openapi-snapshot.ts` updates it. */
export const SNAPSHOT_PATH = fileURLToPath(new URL('../../docs/openapi-snapshot.txt', import.meta.url));

export const readSnapshot = (): string[] => readFileSync(SNAPSHOT_PATH, 'utf8').trimEnd().split('\n');

/** Returns the facts of a document, sorted. */
export function extractFacts(document: OpenApiDocument): string[] {
  const facts = new Set<string>();
  const components = document.components as unknown as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const resolve = <Value extends { readonly $ref?: string }>(value: Value, kind: string): Value =>
    value.$ref === undefined ? value : ((components[kind]?.[componentName(value.$ref)] ?? {}) as Value);
  const describedComponents = new Set<string>();

  function addSchemaFacts(schema: Schema, direction: Direction, location: string): void {
    if (schema.$ref !== undefined) {
      const name = componentName(schema.$ref);
      facts.add(`${direction} ${location} ${name}`);
      if (describedComponents.has(`${direction} ${name}`)) return;
      describedComponents.add(`${direction} ${name}`);
      addSchemaFacts((components['schemas']?.[name] ?? {}) as Schema, direction, name);
      return;
    }
    for (const variant of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])])
      addSchemaFacts(variant, direction, location);
    const values = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
    if (values !== undefined)
      for (const value of values) facts.add(`${direction} ${location} = ${JSON.stringify(value)}`);
    else for (const type of [schema.type ?? []].flat()) facts.add(`${direction} ${location} ${type}`);
    if (direction === 'req') {
      for (const keyword of [...UPPER_LIMITS, ...LOWER_LIMITS, ...OTHER_LIMITS]) {
        // A format implies its pattern.
        if (schema[keyword] === undefined || (keyword === 'pattern' && schema['format'] !== undefined)) continue;
        facts.add(`limit ${location} ${keyword} ${String(schema[keyword])}`);
      }
    }
    for (const [name, part] of Object.entries(schema.properties ?? {})) {
      if (schema.required?.includes(name)) facts.add(`${direction}! ${location}.${name}`);
      addSchemaFacts(part, direction, `${location}.${name}`);
    }
    if (schema.items !== undefined) addSchemaFacts(schema.items, direction, `${location}[]`);
    if (typeof schema.additionalProperties === 'object')
      addSchemaFacts(schema.additionalProperties, direction, `${location}.*`);
  }

  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const { operationId, parameters = [], requestBody, responses } = operation as unknown as Operation;
      facts.add(`op ${operationId} ${method.toUpperCase()} ${path}`);
      for (const declared of parameters) {
        const { in: where, name, required, schema } = resolve(declared, 'parameters');
        const location = `${operationId} ${where}:${name}`;
        if (required === true && where !== 'path') facts.add(`req! ${location}`);
        if (schema !== undefined) addSchemaFacts(schema, 'req', location);
      }
      if (requestBody?.required === true) facts.add(`req! ${operationId} body`);
      for (const [type, { schema }] of Object.entries(requestBody?.content ?? {}))
        if (schema !== undefined) addSchemaFacts(schema, 'req', `${operationId} ${type}`);
      for (const [status, declared] of Object.entries(responses)) {
        const content = Object.entries(resolve(declared, 'responses').content ?? {});
        if (status.startsWith('2')) facts.add(`res ${operationId} ${status}`);
        for (const [type, { schema }] of content)
          if (schema !== undefined) addSchemaFacts(schema, 'res', `${operationId} ${status} ${type}`);
      }
    }
  }
  return [...facts].sort();
}

/** Splits a fact into its kind, the location in the document, and the value there. */
function parseFact(fact: string): { readonly kind: string; readonly location: string; readonly value: string } {
  const [kind = ''] = fact.split(' ', 1);
  const remainder = fact.slice(kind.length + 1);
  if (kind.endsWith('!') || kind === 'op') return { kind, location: remainder, value: '' };
  const valueStart = kind === 'limit' ? remainder.search(/ \w+ \S*$/) : remainder.search(/ (?:= .*|\w+)$/);
  return valueStart === -1
    ? { kind, location: remainder, value: '' }
    : { kind, location: remainder.slice(0, valueStart), value: remainder.slice(valueStart + 1) };
}

/** Returns whether a limit with a number, such as `maxLength 64`, became less strict. */
function isWiderLimit(before: string, after: string): boolean {
  const [keyword = '', previousValue] = before.split(' ');
  const [, nextValue] = after.split(' ');
  if (UPPER_LIMITS.includes(keyword)) return Number(nextValue) > Number(previousValue);
  return LOWER_LIMITS.includes(keyword) && Number(nextValue) < Number(previousValue);
}

export interface Changes {
  /** Removed (`-`) and added (`+`) facts whose change breaks clients. */
  readonly breaking: readonly string[];
  readonly compatible: readonly string[];
}

/** Compares the facts of two documents. */
export function compareFacts(before: readonly string[], after: readonly string[]): Changes {
  const [previous, next] = [new Set(before), new Set(after)];
  /** Returns the component or operation that contains a location. Names of components start with a capital letter. */
  const ownerOf = (location: string) => location.split(/^[A-Z]/.test(location) ? /[ .[]/ : ' ', 1)[0] ?? '';
  const knownOwners = new Set(before.map((fact) => ownerOf(parseFact(fact).location)));
  const knownLocations = new Set(before.map((fact) => `${parseFact(fact).kind} ${parseFact(fact).location}`));
  const limitAt = (facts: readonly string[], fact: string) => {
    const { location, value } = parseFact(fact);
    const prefix = `limit ${location} ${value.split(' ')[0]} `;
    return facts.find((other) => other.startsWith(prefix));
  };

  const isBreakingRemoval = (fact: string) => !/^(?:req!|limit) /.test(fact);
  function isBreakingAddition(fact: string): boolean {
    const { kind, location, value } = parseFact(fact);
    if (kind === 'req!') return knownOwners.has(ownerOf(location));
    // Breaking if a value in a response can have a new type. Clients must expect new values of an enumeration.
    if (kind === 'res') return !value.startsWith('=') && value !== '' && knownLocations.has(`res ${location}`);
    if (kind !== 'limit' || !knownLocations.has(`req ${location}`)) return false;
    const previousLimit = limitAt(before, fact);
    return previousLimit === undefined || !isWiderLimit(parseFact(previousLimit).value, value);
  }

  const removed = before.filter((fact) => !next.has(fact));
  const added = after.filter((fact) => !previous.has(fact));
  const breaking = [
    ...removed.filter(isBreakingRemoval).map((fact) => `- ${fact}`),
    ...added.filter(isBreakingAddition).map((fact) => `+ ${fact}`),
  ];
  const changes = [...removed.map((fact) => `- ${fact}`), ...added.map((fact) => `+ ${fact}`)];
  return { breaking, compatible: changes.filter((change) => !breaking.includes(change)) };
}
