import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintDocument, type OpenApiDocument } from './openapi-rules.ts';

const problem = { description: 'Refused' };

/** A document that follows every rule. */
function createDocument() {
  const name = { type: 'string', maxLength: 255 } as Record<string, unknown>;
  const thing = {
    type: 'object',
    properties: { name, tags: { type: 'array', items: name, maxItems: 5 }, size: { type: 'integer', maximum: 9 } },
    required: ['name'],
    additionalProperties: false,
  } as Record<string, unknown>;
  const content = {
    'application/json': {
      schema: { $ref: '#/components/schemas/Thing' },
      example: { name: 'A' } as object | undefined,
    },
  };
  const failures = { '400': problem, '401': problem, '429': problem, '500': problem };
  const parameters = [
    { in: 'path', name: 'thing', required: true, schema: { type: 'string', maxLength: 64 } as object },
  ];
  const get = {
    operationId: 'getThing',
    summary: 'Read a thing',
    tags: ['Things'],
    security: [{ bearer: [] }] as object[],
    parameters,
    responses: { '200': { description: 'Done', content }, ...failures } as Record<string, object>,
  };
  const post = { ...get, operationId: 'createThing', parameters: [] as object[], requestBody: { content } };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Things',
      version: '1',
      description: 'All things',
      contact: { name: 'A' },
      license: { name: 'MIT' },
    } as Record<string, unknown>,
    tags: [{ name: 'Things', description: 'Things' }] as object[],
    paths: { '/things/{thing}': { get }, '/things': { post } } as Record<string, Record<string, object>>,
    components: {
      schemas: { Thing: thing } as Record<string, object>,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } as Record<string, object>,
    },
    parts: { name, thing, content, get, post, parameters },
  };
}

async function rulesBrokenBy(violate: (document: ReturnType<typeof createDocument>) => void): Promise<string[]> {
  const document = createDocument();
  violate(document);
  const { parts: _, ...documentWithoutParts } = document;
  return (await lintDocument(documentWithoutParts as unknown as OpenApiDocument)).map(({ rule }) => rule);
}

test('a document that follows every rule has no findings', async () => {
  assert.deepEqual(await rulesBrokenBy(() => undefined), []);
});

test('each rule reports its violations', async () => {
  const violations: Readonly<Record<string, (document: ReturnType<typeof createDocument>) => void>> = {
    'openapi-schema': ({ info }) => delete info['title'],
    'info-complete': ({ info }) => delete info['license'],
    'tags-described': ({ tags }) => tags.push({ name: 'Others' }),
    'operation-ids-unique': ({ parts }) => (parts.post.operationId = 'getThing'),
    'components-used': ({ components }) => (components.schemas['Other'] = { type: 'null' }),
    'no-keys-in-query': ({ components }) =>
      (components.securitySchemes['key'] = { type: 'apiKey', in: 'query', name: 'key' }),
    'no-http-basic': ({ components }) => (components.securitySchemes['basic'] = { type: 'http', scheme: 'basic' }),
    'strings-bounded': ({ parts }) => delete parts.name['maxLength'],
    'lists-bounded': ({ parts }) => (parts.thing['properties'] = { name: parts.name, tags: { type: 'array' } }),
    'integers-bounded': ({ parts }) => (parts.thing['properties'] = { name: parts.name, size: { type: 'integer' } }),
    'objects-closed': ({ parts }) => delete parts.thing['additionalProperties'],
    'no-trailing-slash': ({ paths }) => (paths['/things/'] = { post: { ...paths['/things']?.['post'] } }),
    'has-summary': ({ parts }) => (parts.get.summary = ''),
    'tags-declared': ({ parts }) => (parts.get.tags = ['Other']),
    'success-response': ({ parts }) => delete parts.get.responses['200'],
    'path-parameters': ({ parts }) => parts.parameters.pop(),
    'parameters-unique': ({ parts }) =>
      parts.post.parameters.push(...['q', 'q'].map((name) => ({ in: 'query', name }))),
    'security-defined': ({ parts }) => (parts.get.security = [{ other: [] }]),
    'no-numeric-ids': ({ parts: { parameters } }) =>
      parameters.splice(0, 1, { in: 'path', name: 'thing', required: true, schema: { type: 'integer', maximum: 9 } }),
    'no-secrets-in-urls': ({ parts }) => parts.post.parameters.push({ in: 'query', name: 'accessToken' }),
    'reads-restricted': ({ parts }) => (parts.get.security = []),
    'writes-restricted': ({ parts }) => (parts.post.security = []),
    'error-401': ({ parts }) => delete parts.get.responses['401'],
    'error-429': ({ parts }) => delete parts.get.responses['429'],
    'error-500': ({ parts }) => delete parts.get.responses['500'],
    'error-validation': ({ parts }) => delete parts.get.responses['400'],
    'examples-given': ({ parts }) => (parts.content['application/json'].example = undefined),
    'examples-valid': ({ parts }) => (parts.content['application/json'].example = { name: 1 }),
  };
  for (const [rule, violate] of Object.entries(violations)) {
    assert.ok((await rulesBrokenBy(violate)).includes(rule), rule);
  }
});
