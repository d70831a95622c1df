import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseSync } from 'vite';
import { isolate, phrase } from './components/sentence.ts';

/** Files that only map codes to texts, and files whose literals are not shown to users. */
const EXCEPTIONS = new Set([
  'account/user-agent.ts',
  'activity-log/access-sentences.ts',
  'activity-log/resource-sentences.ts',
  'activity-log/sentence.ts',
  'activity-log/sentence-parts.ts',
  'components/icons.ts',
  'vite.config.ts',
]);

/** Phrases that users do not see: messages to developers, codes, commands, key names, CSS values. */
const HIDDEN_PHRASES =
  /^(?:The page has no #root element\.|useWorkspace\(\) must be used within CurrentWorkspace\.|another calendar|activity_tracker|devpilot deploy|error keys|Enter|Escape|Home|End|delete selected|danger|.*\/etc\/ssh\/ssh_host_.*|ui-monospace, .*)$/;

/** Attributes and properties whose values people read or hear. */
const SHOWN_NAMES =
  /^(?:alt|children|label|title|placeholder|description|error|heading|caption|tooltip|legend|summary|hint|note|prefix|message|consequence|when|about|doneMessage|nothingFoundMessage|secretName|.*(?:Label|Title|Placeholder|Description|Text|Hint)|aria-(?:label|description|valuetext))$/;

/** Attributes and properties whose values are not texts, such as `1px solid` or two class names. */
const TECHNICAL_NAMES =
  /^(?:class|.*[cC]lassNames?|styles?|d|.*[kK]ey|border|gridTemplate\w*|autoComplete|mask|noun|transition|padding|margin|fontFamily\w*)$/;

/** A node of the syntax tree (ESTree). */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly [property: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

/** The properties of each expression type that contain its possible values. */
const VALUE_PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  JSXExpressionContainer: ['expression'],
  ConditionalExpression: ['consequent', 'alternate'],
  LogicalExpression: ['left', 'right'],
  ParenthesizedExpression: ['expression'],
};

function getLiteralText(node: Node): string | null {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : null;
  if (node.type !== 'TemplateLiteral') return null;
  return (node['quasis'] as { value: { cooked: string } }[]).map(({ value }) => value.cooked).join(' … ');
}

/** Returns the literals of a file that users see. */
function findShownTexts(file: string, source: string): string[] {
  const { program, errors } = parseSync(file, source);
  assert.deepEqual(errors, [], file);
  const textsByPosition = new Map<number, string>();
  const recordText = (node: Node, text: string) => {
    if (/\p{L}/u.test(text) && !HIDDEN_PHRASES.test(text)) textsByPosition.set(node.start, text.trim());
  };
  /** Records a literal that is shown to users unchanged. */
  function addShown(value: unknown) {
    if (!isNode(value)) return;
    const text = getLiteralText(value);
    if (text !== null) recordText(value, text);
    for (const property of VALUE_PROPERTIES[value.type] ?? []) addShown(value[property]);
  }
  function visit(value: unknown) {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isNode(value)) return;
    if (/^(?:Import|ExportAll|TS(?!As|Satisfies))/.test(value.type)) return;
    if (value.type === 'JSXText') recordText(value, String(value['value']));
    if (value.type === 'JSXElement' || value.type === 'JSXFragment') {
      for (const child of value['children'] as Node[]) if (child.type === 'JSXExpressionContainer') addShown(child);
    }
    if (value.type === 'JSXAttribute' || value.type === 'Property' || value.type === 'AssignmentPattern') {
      const key = (value['name'] ?? value['key'] ?? value['left']) as {
        readonly name?: string;
        readonly value?: string;
      };
      const name = String(key.name ?? key.value ?? '');
      if (TECHNICAL_NAMES.test(name)) return;
      if (SHOWN_NAMES.test(name)) addShown(value['value'] ?? value['right']);
    }
    // Any other literal that is a phrase or a word with a capital letter.
    const text = getLiteralText(value);
    if (text !== null && /(?:^|\s)\p{L}{2,}\s\p{L}|^\p{Lu}\p{Ll}+(?:…|[.?!:])?$/u.test(text)) recordText(value, text);
    for (const [name, child] of Object.entries(value)) if (name !== 'parent') visit(child);
  }
  visit(program);
  return [...textsByPosition.values()];
}

test('literal texts for users are only in strings.ts and form-strings.ts', () => {
  const files = globSync('**/*.{ts,tsx}', { cwd: import.meta.dirname })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !/(?:\.test\.ts|(?:^|\/)(?:form-)?strings\.ts)$/.test(file) && !EXCEPTIONS.has(file))
    .sort();
  // Fails if the pattern no longer matches the files.
  assert.ok(files.length > 200);
  const texts = files.flatMap((file) =>
    findShownTexts(file, readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).map((text) => `${file}: ${text}`),
  );
  assert.deepEqual(texts, []);
});

test('literal texts are found, and other literals are not', () => {
  // A string that contains `${` must be split, because the linter takes it for a template with the wrong quotes.
  const shown = [
    '<p>Saved</p>',
    '<p>{saved ? strings.saved : "Failed"}</p>',
    '<Button aria-label="Close" />',
    '<Dialog title={`Edit $' + '{name}`} />',
    '<Field label={optional ? "Name" : strings.name} />',
    'notifications.show({ message: "Saved" })',
    '({ key: "name", label: "Name" })',
    '["Status", status]',
    'form.setFieldError("password", "The password is wrong")',
  ];
  for (const code of shown) assert.equal(findShownTexts('x.tsx', `const x = ${code};`).length, 1, code);
  const notShown = [
    '<p className="mono small">{strings.saved}</p>',
    '<Button variant="default" aria-label={strings.close} />',
    'useQuery({ queryKey: ["two words"] })',
    '<p>{status === "failed" && strings.failed}</p>',
    '<p>·</p>',
  ];
  for (const code of notShown) assert.deepEqual(findShownTexts('x.tsx', `const x = ${code};`), [], code);
});

/** Variables that contain names chosen by users, which can be written from right to left. */
const NAMES = /^(?:name|names|appName|title)$/;

/** Returns the templates that insert a name into a text without isolating it. */
function unisolatedNames(file: string, source: string): string[] {
  const templates: string[] = [];
  function visit(value: unknown, parent: Node | null) {
    if (Array.isArray(value)) for (const item of value) visit(item, parent);
    if (!isNode(value)) return;
    if (value.type === 'TemplateLiteral' && parent?.type !== 'TaggedTemplateExpression') {
      const names = (value['expressions'] as Node[]).filter(
        (node) => node.type === 'Identifier' && NAMES.test(String(node['name'])),
      );
      if (names.length > 0) templates.push(`${file}: ${getLiteralText(value)}`);
    }
    for (const [key, child] of Object.entries(value)) if (key !== 'parent') visit(child, value);
  }
  visit(parseSync(file, source).program, null);
  return templates;
}

test('names in texts are isolated, so that one written from right to left does not reorder the words around it', () => {
  const files = globSync('**/{,form-}strings.ts', { cwd: import.meta.dirname });
  // Fails if the pattern no longer matches the files.
  assert.ok(files.length > 15);
  const templates = files.flatMap((file) =>
    unisolatedNames(file, readFileSync(`${import.meta.dirname}/${file}`, 'utf8')),
  );
  assert.deepEqual(templates, []);
  const template = '`App $' + '{name} saved`';
  assert.equal(unisolatedNames('x.ts', `const x = (name: string) => ${template};`).length, 1);
  assert.equal(unisolatedNames('x.ts', `const x = (name: string) => phrase${template};`).length, 0);
  assert.equal(phrase`App ${'Shop (1)'} saved, version ${2}`, 'App Shop (1) saved, version 2');
  assert.equal(phrase`App ${'متجر (1)'} saved`, 'App \u2068متجر (1)\u2069 saved');
  assert.equal(isolate('חנות'), '\u2068חנות\u2069');
});
