import { z } from 'zod';

/** The subset of JSON Schema that zod generates for the contract. */
interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

/** Fields of the generic types in `src/contract/paging.ts`, for which the contract has no schema. */
const GENERIC_TYPES: Readonly<Record<string, string>> = {
  Page: 'data: T[]; nextCursor: string | null',
  CountedPage: 'data: T[]; nextCursor: string | null; total: number | null',
};

function toTypeScript(schema: JsonSchema, definitions: Readonly<Record<string, JsonSchema>>): string {
  const convert = (part: JsonSchema) => toTypeScript(part, definitions);
  if (schema.$ref !== undefined) {
    const definition = definitions[schema.$ref.replace('#/$defs/', '')];
    if (definition === undefined) throw new Error(`${schema.$ref} not found in the schema.`);
    return convert(definition);
  }
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) return [...new Set(variants.map(convert))].join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.type === 'array') return `Array<${convert(schema.items ?? {})}>`;
  if (schema.type === 'object') {
    const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => {
      const isRequired = schema.required?.includes(name) ?? false;
      return `${JSON.stringify(name)}${isRequired ? '' : '?'}: ${convert(field)}${isRequired ? '' : ' | undefined'};`;
    });
    if (fields.length > 0) return `{ ${fields.join(' ')} }`;
    const values = typeof schema.additionalProperties === 'object' ? convert(schema.additionalProperties) : 'unknown';
    return `Record<string, ${values}>`;
  }
  // A nullable type is an array of two types.
  const types = [schema.type ?? []].flat().map((type) => PRIMITIVES[type] ?? 'unknown');
  return types.length === 0 ? 'unknown' : types.join(' | ');
}

/**
 * Returns declarations of the wire types of a contract file, without zod, so that the types of the published SDK have
 * no dependencies. `NameInput` is the input type of the schema `Name`. Throws for a name without a schema.
 */
export function generateWireTypes(schemas: Readonly<Record<string, unknown>>, names: Iterable<string>): string {
  const lines: string[] = [];
  for (const name of new Set(names)) {
    const genericFields = GENERIC_TYPES[name];
    if (genericFields !== undefined) {
      lines.push(`export interface ${name}<T> { ${genericFields} }`);
      continue;
    }
    const isInput = name.endsWith('Input');
    const schema = schemas[isInput ? name.replace(/Input$/, '') : name];
    if (!(schema instanceof z.ZodType)) throw new Error(`The contract has no schema named ${name}.`);
    const json = z.toJSONSchema(schema, { io: isInput ? 'input' : 'output', unrepresentable: 'any' }) as JsonSchema;
    const type = toTypeScript(json, json.$defs ?? {});
    const isInterface = json.type === 'object' && json.properties !== undefined;
    lines.push(isInterface ? `export interface ${name} ${type}` : `export type ${name} = ${type};`);
  }
  return `${lines.join('\n')}\n`;
}
