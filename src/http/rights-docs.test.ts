import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeRight, PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import type { AppContext } from './app-context.ts';
import { routeTable } from './route-table.ts';

const PAGE = readFileSync(new URL('../../docs/rights.md', import.meta.url), 'utf8');

/** Returns the routes that accept a right, formatted as in docs/rights.md: each path once, after its methods. */
function listRoutes(kind: 'token' | 'key', right: string): string {
  const methodsByUrl = new Map<string, string[]>();
  for (const { method, url, access } of routeTable({} as AppContext)) {
    // /mcp accepts every right. Its tools call the other routes.
    if ('public' in access || 'any' in access || 'guard' in access || url === '/mcp') continue;
    const rights: readonly string[] = access[kind] ?? [];
    if (!rights.includes(right)) continue;
    methodsByUrl.set(url, [...(methodsByUrl.get(url) ?? []), String(method)]);
  }
  return [...methodsByUrl].map(([url, methods]) => `\`${methods.join(' ')} ${url}\``).join(', ');
}

test('docs/rights.md lists every right with its description and routes', () => {
  const rows = [
    ...SCOPES.map((scope) => [scope, scope === 'all' ? 'every route below' : listRoutes('token', scope)] as const),
    ...PERMISSIONS.map((permission) => [permission, listRoutes('key', permission)] as const),
  ].map(([right, routes]) => `| \`${right}\` | ${describeRight(right)} | ${routes} |`);
  const missing = rows.filter((row) => !PAGE.includes(`${row}\n`));
  assert.deepEqual(missing, [], `docs/rights.md is missing these rows:\n${missing.join('\n')}`);
});
