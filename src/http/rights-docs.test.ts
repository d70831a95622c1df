import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeRight, PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import type { AppContext } from './app-context.ts';
import { routeTable } from './route-table.ts';

const PAGE = readFileSync(new URL('../../docs/rights.md', import.meta.url), 'utf8');

/** Routes that a right opens, formatted as in docs/rights.md: methods and path, paths merged. */
function routesOf(kind: 'token' | 'key', right: string): string {
  const byUrl = new Map<string, string[]>();
  for (const { method, url, access } of routeTable({} as AppContext)) {
    // Every right opens /mcp, whose tools are other routes.
    if ('public' in access || 'any' in access || 'guard' in access || url === '/mcp') continue;
    const rights: readonly string[] = access[kind] ?? [];
    if (!rights.includes(right)) continue;
    byUrl.set(url, [...(byUrl.get(url) ?? []), String(method)]);
  }
  return [...byUrl].map(([url, methods]) => `\`${methods.join(' ')} ${url}\``).join(', ');
}

test('docs/rights.md lists for every right its meaning, its reach and the routes it opens', () => {
  const rows = [
    ...SCOPES.map((scope) => [scope, routesOf('token', scope) || 'every route below'] as const),
    ...PERMISSIONS.map((permission) => [permission, routesOf('key', permission)] as const),
  ].map(([right, routes]) => `| \`${right}\` | ${describeRight(right)} | ${routes} |`);
  const missing = rows.filter((row) => !PAGE.includes(`${row}\n`));
  assert.deepEqual(missing, [], `docs/rights.md lacks:\n${missing.join('\n')}`);
});
