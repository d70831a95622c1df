import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareFacts, extractFacts } from './openapi-facts.ts';
import type { OpenApiDocument } from './openapi-rules.ts';

/** Returns a document with one operation, which creates a thing, and the parts of the document that tests change. */
function createDocument() {
  const body = {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 64 } as Record<string, unknown>,
      kind: { type: 'string', enum: ['big', 'small'] } as Record<string, unknown>,
    } as Record<string, object>,
    required: ['name'],
  };
  const thing = {
    type: 'object',
    properties: {
      id: { type: 'string' } as Record<string, unknown>,
      size: { type: 'integer' } as Record<string, unknown>,
      kind: { type: 'string', enum: ['big', 'small'] } as Record<string, unknown>,
    } as Record<string, object>,
    required: ['id', 'size', 'kind'],
  };
  const content = (schema: object) => ({ 'application/json': { schema } });
  const post = {
    operationId: 'things.create',
    parameters: [{ in: 'query', name: 'dryRun', schema: { type: 'boolean' } }] as object[],
    requestBody: { required: false, content: content(body) },
    responses: { '201': { content: content({ $ref: '#/components/schemas/Thing' }) } } as Record<string, object>,
  };
  return {
    paths: { '/things': { post } } as Record<string, object>,
    components: { schemas: { Thing: thing } },
    body,
    thing,
    post,
  };
}
type Draft = ReturnType<typeof createDocument>;

function changesAfter(change: (draft: Draft) => void) {
  const draft = createDocument();
  change(draft);
  const facts = (document: Draft) => extractFacts(document as unknown as OpenApiDocument);
  return compareFacts(facts(createDocument()), facts(draft));
}

test('changes that break clients are reported as breaking', () => {
  const changes: Readonly<Record<string, (draft: Draft) => unknown>> = {
    '- op things.create POST /things': ({ paths }) => delete paths['/things'],
    '- res things.create 201': ({ post }) => (post.responses = { '200': post.responses['201'] ?? {} }),
    '- res Thing.size integer': ({ thing }) => delete thing.properties['size'],
    '- res! Thing.size': ({ thing }) => (thing.required = ['id', 'kind']),
    '+ res Thing.size null': ({ thing }) => (thing.properties['size'] = { type: ['integer', 'null'] }),
    '- res Thing.kind = "small"': ({ thing }) => (thing.properties['kind'] = { type: 'string', enum: ['big'] }),
    '- req things.create application/json.name string': ({ body }) => (body.properties['name'] = { type: 'integer' }),
    '- req things.create application/json.kind = "small"': ({ body }) =>
      (body.properties['kind'] = { type: 'string', enum: ['big'] }),
    '- req things.create query:dryRun boolean': ({ post }) => (post.parameters = []),
    '+ req! things.create application/json.kind': ({ body }) => body.required.push('kind'),
    '+ req! things.create body': ({ post }) => (post.requestBody.required = true),
    '+ limit things.create application/json.name maxLength 63': ({ body }) =>
      (body.properties['name'] = { type: 'string', maxLength: 63 }),
    '+ limit things.create application/json.name pattern ^a': ({ body }) =>
      (body.properties['name'] = { type: 'string', maxLength: 64, pattern: '^a' }),
  };
  for (const [expected, change] of Object.entries(changes)) {
    const { breaking } = changesAfter(change);
    assert.ok(breaking.includes(expected), `${expected}: ${breaking.join(', ')}`);
  }
});

test('changes that break no client are reported as compatible', () => {
  const changes: readonly ((draft: Draft) => unknown)[] = [
    ({ paths, post }) => {
      const requestBody = { ...post.requestBody, required: true };
      paths['/things/{id}'] = { post: { ...post, operationId: 'things.copy', requestBody } };
    },
    ({ thing }) => {
      thing.properties['note'] = { type: ['string', 'null'] };
      thing.required.push('note');
    },
    ({ thing }) => (thing.properties['kind'] = { type: 'string', enum: ['big', 'small', 'tiny'] }),
    ({ body }) => (body.properties['note'] = { type: 'string', maxLength: 5 }),
    ({ body }) => (body.properties['kind'] = { type: 'string', enum: ['big', 'small', 'tiny'] }),
    ({ body }) => (body.properties['name'] = { type: ['string', 'null'], maxLength: 65 }),
    ({ body }) => (body.required = []),
    ({ post }) => post.parameters.push({ in: 'query', name: 'note', schema: { type: 'string', maxLength: 5 } }),
  ];
  for (const change of changes) {
    const { breaking, compatible } = changesAfter(change);
    assert.deepEqual(breaking, [], change.toString());
    assert.ok(compatible.length > 0, change.toString());
  }
});
