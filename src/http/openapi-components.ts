/** The generator adds this suffix to the name of a component that requests use. */
const SUFFIX = 'Input';
const REFERENCE = /"\$ref":"#\/components\/schemas\/(\w+)"/g;

const namesIn = (value: unknown): string[] =>
  [...JSON.stringify(value).matchAll(REFERENCE)].map(([, name = '']) => name);

const withoutSuffix = (name: string) => (name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name);

/** Replaces the names of components in references. */
function renameReferences<Value>(value: Value, rename: (name: string) => string): Value {
  const text = JSON.stringify(value).replace(
    REFERENCE,
    (_, name: string) => `"$ref":"#/components/schemas/${rename(name)}"`,
  );
  return JSON.parse(text) as Value;
}

/**
 * Returns the components that the paths refer to. The generator creates two per schema: in requests a field with a
 * default may be missing, in responses it is always present. Both are returned only if requests and responses use the
 * schema and they differ; the one of requests then has the suffix. Updates the references in `paths`.
 */
export function mergeDirections<Schema extends object>(
  paths: Record<string, unknown>,
  generated: Readonly<Record<string, Schema>>,
): Record<string, Schema> {
  const used = new Set(namesIn(paths));
  for (const name of used) for (const inner of namesIn(generated[name] ?? {})) used.add(inner);

  const comparable = (name: string) => JSON.stringify(renameReferences(generated[name] ?? {}, withoutSuffix));
  const pairs = [...used].filter((name) => name.endsWith(SUFFIX) && used.has(withoutSuffix(name)));
  const distinct = new Set(pairs.filter((name) => comparable(name) !== comparable(withoutSuffix(name))));
  let count = -1;
  while (count !== distinct.size) {
    count = distinct.size;
    for (const name of pairs) if (namesIn(generated[name]).some((inner) => distinct.has(inner))) distinct.add(name);
  }

  const rename = (name: string) => (distinct.has(name) ? name : withoutSuffix(name));
  Object.assign(paths, renameReferences(paths, rename));
  // Components remain in the order of the generator, which is that of the sources.
  const names = Object.keys(generated).filter((name) => used.has(name));
  return Object.fromEntries(names.map((name) => [rename(name), renameReferences(generated[name] as Schema, rename)]));
}
