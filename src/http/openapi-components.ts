/** The suffix that the generator adds to the names of components in requests. */
const REQUEST_SUFFIX = 'Input';
const REFERENCE = /"\$ref":"#\/components\/schemas\/(\w+)"/g;

const referencedNamesIn = (value: unknown): string[] =>
  [...JSON.stringify(value).matchAll(REFERENCE)].map(([, name = '']) => name);

const withoutSuffix = (name: string) => (name.endsWith(REQUEST_SUFFIX) ? name.slice(0, -REQUEST_SUFFIX.length) : name);

/** Returns a copy of a value in which the component names in references are replaced. */
function renameReferences<Value>(value: Value, rename: (name: string) => string): Value {
  const text = JSON.stringify(value).replace(
    REFERENCE,
    (_, name: string) => `"$ref":"#/components/schemas/${rename(name)}"`,
  );
  return JSON.parse(text) as Value;
}

/**
 * Returns the components that the paths refer to. The generator creates two components per schema, because a field with
 * a default can be missing in requests but is always present in responses. If both are used and they differ, both are
 * returned, and the component for requests keeps the suffix. Otherwise one component without the suffix is returned.
 * Updates the references in `paths`.
 */
export function mergeRequestAndResponseComponents<Schema extends object>(
  paths: Record<string, unknown>,
  generated: Readonly<Record<string, Schema>>,
): Record<string, Schema> {
  const used = new Set(referencedNamesIn(paths));
  // The loop also visits the names that it adds.
  for (const name of used) for (const nestedName of referencedNamesIn(generated[name] ?? {})) used.add(nestedName);

  const comparableText = (name: string) => JSON.stringify(renameReferences(generated[name] ?? {}, withoutSuffix));
  const pairedNames = [...used].filter((name) => name.endsWith(REQUEST_SUFFIX) && used.has(withoutSuffix(name)));
  const distinct = new Set(pairedNames.filter((name) => comparableText(name) !== comparableText(withoutSuffix(name))));
  // A component that refers to a distinct component is itself distinct. Repeated until no more are found.
  let previousSize = -1;
  while (previousSize !== distinct.size) {
    previousSize = distinct.size;
    for (const name of pairedNames) {
      if (referencedNamesIn(generated[name]).some((nestedName) => distinct.has(nestedName))) distinct.add(name);
    }
  }

  const rename = (name: string) => (distinct.has(name) ? name : withoutSuffix(name));
  Object.assign(paths, renameReferences(paths, rename));
  // Components stay in the order of the generator, which is the order of the sources.
  const names = Object.keys(generated).filter((name) => used.has(name));
  return Object.fromEntries(names.map((name) => [rename(name), renameReferences(generated[name] as Schema, rename)]));
}
