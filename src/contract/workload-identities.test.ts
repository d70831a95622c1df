import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesPattern, unmetConditions } from './claim-patterns.ts';
import { CreateWorkloadIdentity } from './workload-identities.ts';
import { identificationProblem } from './workload-issuers.ts';

test('a pattern matches exactly, except that * matches any characters', () => {
  const rows: [value: string, pattern: string, isMatch: boolean][] = [
    ['acme/shop', 'acme/shop', true],
    ['acme/shop', 'acme/Shop', false],
    ['acme/shop', 'acme/sho', false],
    ['acme/shop', 'acme/shop2', false],
    ['refs/heads/release/1', 'refs/heads/release/*', true],
    ['refs/heads/release/', 'refs/heads/release/*', true],
    ['refs/heads/release', 'refs/heads/release/*', false],
    ['a.b', 'a?b', false],
    ['a.b', 'a.b', true],
    ['axb', 'a.b', false],
    ['ab', 'a*b', true],
    ['ab', 'ab*b', false],
    ['aXbYc', 'a*b*c', true],
    ['aXcYb', 'a*b*c', false],
    ['aa', 'a*a', true],
    ['a', 'a*a', false],
    ['', '*', true],
    ['a\nb', 'a*b', true],
    ['cafe\u0301', 'caf\u00e9', false],
  ];
  for (const [value, pattern, isMatch] of rows) {
    assert.equal(matchesPattern(value, pattern), isMatch, `${JSON.stringify(value)} and ${pattern}`);
  }
});

test('conditions that would trust more than one workload are refused', () => {
  const github = 'https://token.actions.githubusercontent.com';
  const gitlab = 'https://gitlab.com';
  const buildkite = 'https://agent.buildkite.com';
  const circleci = 'https://oidc.circleci.com/org/ab-12';
  const otherIssuer = 'https://k8s.example.com';
  const rows: [issuer: string, conditions: Record<string, string>, isAccepted: boolean][] = [
    [github, { repository: 'acme/shop' }, true],
    [github, { sub: 'repo:acme/shop:*' }, true],
    [github, { sub: 'repo:acme@65/shop@74:ref:refs/heads/main' }, true],
    [github, { repository_id: '74', environment: '*' }, true],
    [github, { workflow_ref: 'acme/shop/.github/workflows/deploy.yml@*' }, true],
    [`${github}/acme`, { repository: 'acme/shop' }, true],
    [github, { ref: 'refs/heads/main' }, false],
    [github, { repository: '*' }, false],
    [github, { repository: 'acme/*' }, false],
    [github, { repository: 'acme/shop*' }, false],
    [github, { repository_owner: 'acme' }, false],
    [github, { sub: '*' }, false],
    [github, { sub: 'repo:*' }, false],
    [github, { sub: 'repo:acme/*' }, false],
    [github, { sub: 'repo:acme/shop*' }, false],
    [github, { sub: '*:acme/shop:ref:refs/heads/main' }, false],
    // Anyone can call a public reusable workflow, and can choose a subject that consists of its name.
    [github, { job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@main' }, false],
    [github, { sub: 'job_workflow_ref:acme/shop/.github/workflows/deploy.yml@main' }, false],
    [github, { workflow_ref: 'acme/shop/.github/workflows/*' }, false],
    [github, { workflow_ref: 'acme/*/.github/workflows/deploy.yml@main' }, false],
    [github, { project_path: 'acme/shop' }, false],
    [github, { __proto__: 'acme/shop' } as Record<string, string>, false],
    [github, { constructor: 'acme/shop' } as unknown as Record<string, string>, false],
    [gitlab, { project_path: 'acme/shop' }, true],
    [gitlab, { sub: 'project_path:acme/team/shop:*' }, true],
    [gitlab, { sub: 'project_path:acme/*' }, false],
    [gitlab, { namespace_path: 'acme' }, false],
    [buildkite, { sub: 'organization:acme:pipeline:shop:*' }, true],
    [buildkite, { sub: 'organization:acme:*' }, false],
    [buildkite, { pipeline_slug: 'shop' }, false],
    [circleci, { sub: 'org/ab-12/project/cd-34/*' }, true],
    [circleci, { sub: 'org/ab-12/*' }, false],
    [circleci, { 'oidc.circleci.com/project-id': 'cd-34' }, true],
    [otherIssuer, { sub: 'system:serviceaccount:shop:deployer' }, true],
    [otherIssuer, { sub: 'anything complete' }, true],
    [otherIssuer, { sub: 'system:serviceaccount:shop:*' }, false],
    [otherIssuer, { sub: 'system:serviceaccount:*' }, false],
    [otherIssuer, { repository: 'acme/shop' }, true],
    [otherIssuer, { ref: 'refs/heads/main', sub: 'x*' }, false],
  ];
  for (const [issuer, conditions, isAccepted] of rows) {
    const problem = identificationProblem(issuer, conditions);
    assert.equal(problem === null, isAccepted, `${issuer} ${JSON.stringify(conditions)}: ${problem}`);
  }
});

test('an issuer must be an https:// or loopback URL, and conditions must not be empty or name a claim that is always checked', () => {
  const validIdentity = {
    name: 'Shop',
    issuer: 'https://ci.example.com',
    conditions: { sub: 'x' },
    scopes: ['all'],
  };
  const rows: [overrides: Readonly<Record<string, unknown>>, isAccepted: boolean][] = [
    [{}, true],
    [{ issuer: 'https://ci.example.com/path/' }, true],
    [{ issuer: 'http://127.0.0.1:4010' }, true],
    [{ issuer: 'http://ci.example.com' }, false],
    [{ issuer: 'http://127.0.0.1.example.com' }, false],
    [{ issuer: 'http://localhost.example.com' }, false],
    [{ issuer: 'https://user:secret@ci.example.com' }, false],
    [{ issuer: 'https://ci.example.com#x' }, false],
    [{ issuer: ' https://ci.example.com' }, false],
    [{ issuer: 'https://ci.ex\u0430mple.com' }, false],
    [{ issuer: 'ftp://ci.example.com' }, false],
    [{ jwksUrl: 'http://ci.example.com/keys' }, false],
    [{ jwksUrl: null }, true],
    [{ conditions: {} }, false],
    [{ conditions: { sub: '' } }, false],
    [{ conditions: { sub: 'x\n' } }, false],
    [{ conditions: { sub: 'x', aud: 'y' } }, false],
    [{ conditions: { sub: 'x', 'a b': 'y' } }, false],
    [{ conditions: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`c${index}`, 'x'])) }, false],
    [{ lifetimeSeconds: 59 }, false],
    [{ lifetimeSeconds: 43_200 }, true],
    [{ lifetimeSeconds: 43_201 }, false],
    [{ scopes: [] }, false],
    [{ origin: 'person' }, false],
  ];
  for (const [overrides, isAccepted] of rows) {
    const label = JSON.stringify(overrides);
    assert.equal(CreateWorkloadIdentity.safeParse({ ...validIdentity, ...overrides }).success, isAccepted, label);
  }
});

test('the message of an unmet condition distinguishes a pattern from an exact value', () => {
  const failures = unmetConditions({ ref: 'dev' }, { ref: 'main', sub: 'repo:acme/shop:*' });
  assert.deepEqual(failures, [
    { claim: 'ref', message: 'must be "main", but it is "dev"' },
    { claim: 'sub', message: 'must match "repo:acme/shop:*", but the token has no such claim' },
  ]);
});

test('an event that people outside of the repository can trigger must be named by a condition', () => {
  const gitlab = { project_path: 'acme/shop', ref: 'main' };
  const failuresOf = (source: string, conditions: Record<string, string>) =>
    unmetConditions({ ...gitlab, pipeline_source: source }, conditions).map(({ claim }) => claim);
  assert.deepEqual(failuresOf('push', gitlab), []);
  // The source branch in a fork can have the name of the default branch.
  assert.deepEqual(failuresOf('merge_request_event', gitlab), ['pipeline_source']);
  assert.deepEqual(failuresOf('merge_request_event', { ...gitlab, pipeline_source: '*' }), ['pipeline_source']);
  assert.deepEqual(failuresOf('merge_request_event', { ...gitlab, pipeline_source: 'merge_request_event' }), []);
});
