import fc from 'fast-check';

/** The part of JSON Schema that the OpenAPI document uses for bodies and queries. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}
export type Schemas = Readonly<Record<string, JsonSchema>>;

/** Values that probably have the wrong type. */
const WRONG_TYPE_VALUES = fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, '', 'x', [], {}, [[]], { a: 1 });

const INSTANTS = [
  '2027-02-24T09:00:00.000Z',
  '2030-01-01T00:00:00+02:00',
  '1969-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-23:59',
  '0000-01-01T00:00:00Z',
  '2027-02-30T09:00:00Z',
  '+275760-09-13T00:00:00.000Z',
];

/** Characters that some fields refuse or normalize, and characters of one to four bytes in UTF-8. */
const UNITS = ['a', 'Z', '7', '-', '.', '/', ' ', 'é', 'e\u0301', '中', '😀', '\u0301', '\u202e', '\0', '\n', '\ud800'];
const repeatTo = (unit: string, length: number): string =>
  unit.repeat(Math.ceil(length / Math.max(1, [...unit].length)));

/** Maximum length of generated texts: longer than a limit of 128 KiB, but not than a limit of 1 MiB. */
const MAX_TEXT_LENGTH = 140_000;

function createTextArbitrary(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { minLength = 0, maxLength = 8_192, examples = [], format, pattern } = schema;
  const edges = [minLength - 1, minLength, maxLength, maxLength + 1].filter(
    (length) => length >= 0 && length <= MAX_TEXT_LENGTH,
  );
  const edgeCases = fc.oneof(
    fc.tuple(fc.constantFrom(...UNITS), fc.constantFrom(...edges)).map(([unit, length]) => repeatTo(unit, length)),
    fc.constantFrom(...edges).map((length) => 'a'.repeat(length)),
    fc.string({ unit: 'grapheme', maxLength: Math.min(maxLength, 40) }),
  );
  if (format?.startsWith('date') === true) return fc.constantFrom<unknown>(...INSTANTS, ...examples);
  if (examples.length === 0) return pattern === undefined ? edgeCases : fc.oneof(edgeCases, fc.constant('a'));
  return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...examples) }, { weight: 1, arbitrary: edgeCases });
}

function createNumberArbitrary({ minimum = -1e6, maximum = 1e6, examples = [] }: JsonSchema): fc.Arbitrary<unknown> {
  const edges = [minimum - 1, minimum, maximum, maximum + 1, 0, -0, 0.5, Number.MAX_SAFE_INTEGER, -1e308, ...examples];
  return fc.oneof(fc.constantFrom<unknown>(...edges), fc.integer());
}

function createObjectArbitrary(schema: JsonSchema, schemas: Schemas): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const propertyArbitraries = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [
      name,
      // Required fields are omitted rarely, and optional fields often, because each field may cause a rejection.
      fc.oneof(
        { weight: required.includes(name) ? 40 : 1, arbitrary: createArbitrary(property, schemas) },
        { weight: required.includes(name) ? 1 : 3, arbitrary: fc.constant(undefined) },
      ),
    ]),
  );
  const declaredFields = fc.record(propertyArbitraries);
  const values =
    typeof additionalProperties === 'object' ? createArbitrary(additionalProperties, schemas) : fc.constant(1);
  const isRecord = typeof additionalProperties === 'object';
  const additionalFields = fc.dictionary(
    fc.oneof(fc.constantFrom('NAME', 'A_1', '__proto__', 'constructor', ''), fc.string({ maxLength: 20 })),
    values,
    { maxKeys: isRecord ? 5 : 1 },
  );
  const undeclaredFields = isRecord ? additionalFields : fc.option(additionalFields, { nil: {}, freq: 15 });
  return fc.tuple(declaredFields, undeclaredFields).map(([fields, others]) => ({ ...others, ...fields }));
}

function createArrayArbitrary(schema: JsonSchema, schemas: Schemas): fc.Arbitrary<unknown> {
  const { minItems = 0, maxItems = 100, items = {} } = schema;
  const item = createArbitrary(items, schemas);
  const lengths = [minItems - 1, minItems, minItems + 1, Math.min(maxItems, 200), Math.min(maxItems + 1, 201)];
  const edges = fc
    .tuple(item, fc.constantFrom(...lengths.filter((length) => length >= 0)))
    .map(([value, length]) => Array.from({ length }, () => value));
  return fc.oneof({ weight: 3, arbitrary: fc.array(item, { maxLength: 4 }) }, { weight: 1, arbitrary: edges });
}

function createTypedArbitrary(schema: JsonSchema, type: string | undefined, schemas: Schemas): fc.Arbitrary<unknown> {
  if (type === 'string') return createTextArbitrary(schema);
  if (type === 'integer' || type === 'number') return createNumberArbitrary(schema);
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type === 'array') return createArrayArbitrary(schema, schemas);
  if (type === 'object') return createObjectArbitrary(schema, schemas);
  return fc.jsonValue();
}

/**
 * Generates values for a schema: mostly valid values, often at the limits, and sometimes values beyond the limits or of
 * another type.
 */
export function createArbitrary(schema: JsonSchema, schemas: Schemas): fc.Arbitrary<unknown> {
  const { $ref, anyOf, oneOf, allOf } = schema;
  if ($ref !== undefined) return createArbitrary(schemas[$ref.slice($ref.lastIndexOf('/') + 1)] ?? {}, schemas);
  const variants = anyOf ?? oneOf ?? allOf;
  if (variants !== undefined) return fc.oneof(...variants.map((variant) => createArbitrary(variant, schemas)));
  if ('const' in schema) return fc.constant(schema.const);
  const validValues =
    schema.enum !== undefined
      ? fc.constantFrom<unknown>(...schema.enum)
      : fc.oneof(...[schema.type].flat().map((type) => createTypedArbitrary(schema, type, schemas)));
  return fc.oneof({ weight: 30, arbitrary: validValues }, { weight: 1, arbitrary: WRONG_TYPE_VALUES });
}
