import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { forEachEngine } from '../testing/engines.ts';
import { runCommand } from '../testing/process.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { bearer, createKey, signUpOwner, startTestServer } from '../testing/test-server.ts';

const RULES_FILE = 'deploy/alerts.yml';
const rules = readFileSync(RULES_FILE, 'utf8');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);

function promtool(args: readonly string[], input = ''): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  assert.equal(status, 0, `promtool ${args.join(' ')}: ${stdout}${stderr}`);
}

const dashboardTargets = (
  JSON.parse(readFileSync('deploy/grafana-dashboard.json', 'utf8')) as Dashboard
).panels.flatMap(({ targets }) => targets);
/** The queries of the dashboard, as Grafana sends them. */
const dashboardQueries = dashboardTargets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m'));
interface Dashboard {
  readonly panels: readonly { readonly targets: readonly DashboardTarget[] }[];
}
interface DashboardTarget {
  readonly expr: string;
  readonly legendFormat: string;
}

/** Returns the labels, except those that Prometheus adds, by which a query groups or which its legend shows. */
function listLabels({ expr, legendFormat }: DashboardTarget): string[] {
  const groupedBy = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '));
  const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  return [...groupedBy, ...shown].filter((label) => label !== 'instance');
}

/** Returns the labels that the dashboard uses and that the queried metric does not have, each with its query. */
function findMissingLabels(metrics: string): string[] {
  return dashboardTargets.flatMap((target) => {
    const [metric = ''] = /\b(?:devpilot|nodejs|process)_\w+/.exec(target.expr) ?? [];
    const lines = metrics.split('\n').filter((line) => line.startsWith(`${metric}{`));
    return listLabels(target)
      .filter((label) => !lines.some((line) => line.includes(`${label}="`)))
      .map((label) => `${label}: ${target.expr}`);
  });
}

/** Evaluates queries over time series in which these metrics increase, and returns the queries without a result. */
function queriesWithoutResult(metrics: string, queries: readonly string[]): string[] {
  const series = [...metrics.matchAll(/^([a-z]\w*(?:\{.*\})?) (\S+)$/gm)].flatMap(([, name, value]) =>
    Number.isFinite(Number(value)) ? [{ series: name, values: `${Number(value)}+1x40` }] : [],
  );
  const expectations = queries.map((expr) => ({ expr, eval_time: '10m', exp_samples: [] }));
  const file = { tests: [{ interval: '15s', input_series: series, promql_expr_test: expectations }] };
  const directory = temporaryDirectory();
  const path = join(directory, 'queries.yml');
  writeFileSync(path, JSON.stringify(file));
  const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
  // The expectations are empty, so promtool reports each query that has a result.
  const output = `${stdout}${stderr}`;
  return queries.filter((expr) => !output.includes(`expr: ${JSON.stringify(expr)}, time: 10m,\n`));
}

/** Returns the value of a metric without labels. */
const readMetric = (text: string, name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);

test('the alert rules are valid, and each has passing tests of firing and of not firing', () => {
  promtool(['check', 'rules', RULES_FILE]);
  promtool(['test', 'rules', 'deploy/alerts.test.yml']);
  const cases = readFileSync('deploy/alerts.test.yml', 'utf8');
  for (const alert of alerts) {
    assert.ok(cases.includes(`"${alert} fires"`) && cases.includes(`"${alert} does not fire"`), alert);
  }
});

test('docs/alerts.md has exactly one entry per alert', () => {
  const entries = [...readFileSync('docs/alerts.md', 'utf8').matchAll(/^## (\w+)$/gm)].map(([, name = '']) => name);
  assert.deepEqual(entries, alerts);
  for (const alert of alerts) assert.ok(rules.includes(`docs/alerts.md#${alert.toLowerCase()}\n`), alert);
});

forEachEngine('metrics', (engine) => {
  /** Returns the metrics of a server after an authorization request, refused requests and a deletion. */
  async function scrape(): Promise<string> {
    const environment = { ...(await engine.environment()), DEVPILOT_METRICS: '127.0.0.1:0' };
    const server = await startTestServer({ environment });
    try {
      const owner = await signUpOwner(server);
      const key = await createKey(owner, ['read']);
      await server.call('/v1/authorize?permission=read', { headers: bearer(key.secret) });
      await server.call('/v1/api-keys/key_someone', { headers: bearer(key.secret) });
      await server.call('/nothing/at/this/address');
      await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });
      return await (await fetch(server.running.metricsUrl ?? '')).text();
    } finally {
      await server.close();
    }
  }

  test('follow the naming conventions, include every metric that the alerts and the dashboard query, and have no IDs as labels', async () => {
    const text = await scrape();
    promtool(['check', 'metrics'], text);
    const names = new Set([...text.matchAll(/^(\w+)(?:\{.*\})? /gm)].map(([, name]) => name));
    const metricsOfOtherEngine =
      engine.name === 'sqlite' ? ['devpilot_store_connections'] : ['devpilot_sqlite_wal_bytes'];
    const metricNames = [...rules.matchAll(/\b(?:devpilot|nodejs)_\w+/g)].map(([name]) => name);
    assert.deepEqual(
      [...new Set(metricNames)].filter((name) => !names.has(name) && !metricsOfOtherEngine.includes(name)),
      [],
    );
    assert.deepEqual(queriesWithoutResult(text, dashboardQueries), []);
    assert.deepEqual(findMissingLabels(text), []);
    assert.deepEqual(queriesWithoutResult(text, ['devpilot_nothing', 'rate(']), ['devpilot_nothing', 'rate(']);
    for (const line of [
      'devpilot_lease_held 1',
      'devpilot_nodes{kind="server"} 1',
      'devpilot_nodes{kind="guard"} 0',
      'devpilot_confirmation_seconds_count 1',
      'devpilot_last_backup_timestamp_seconds 0',
      'devpilot_http_requests_total{method="GET",route="/v1/authorize",status="200"} 1',
      'devpilot_http_requests_total{method="GET",route="/v1/api-keys/:id",status="403"} 1',
      'devpilot_http_requests_total{method="GET",route="none",status="404"} 1',
    ]) {
      assert.ok(
        text.includes(`\n${line}\n`),
        `${line} is missing in:\n${text.match(/^devpilot_(?:http_r|nod|conf).*$/gm)?.join('\n')}`,
      );
    }
    assert.equal(text.includes('key_someone'), false);
    const sizes = ['devpilot_sqlite_bytes', 'devpilot_sqlite_wal_bytes'];
    for (const name of ['devpilot_disk_free_bytes', ...(engine.name === 'sqlite' ? sizes : [])]) {
      assert.ok(readMetric(text, name) > 0, name);
    }
  });

  if (engine.name !== 'postgres') return;
  test("a node whose clock differs much from the database's is not ready, reports the reason, and exports the difference", async () => {
    const environment = { ...(await engine.environment()), DEVPILOT_METRICS: '127.0.0.1:0' };
    const server = await startTestServer({ environment, clock: () => Date.now() + 60_000 });
    try {
      const ready = await server.call<{ reasons?: string[]; detail?: string }>('/readyz');
      assert.deepEqual([ready.status, ready.body.reasons], [503, ['clock_skew']]);
      assert.match(ready.body.detail ?? '', /clock/);
      const text = await (await fetch(server.running.metricsUrl ?? '')).text();
      const skew = readMetric(text, 'devpilot_clock_skew_seconds');
      assert.ok(skew > 50 && skew < 70, `${skew} s`);
    } finally {
      await server.close();
    }
  });
});

test('the time of the last backup is exported, even if another process created the backup', async () => {
  const server = await startTestServer({ environment: { DEVPILOT_METRICS: '127.0.0.1:0' } });
  try {
    const earliestStart = Date.now();
    const { code, stderr } = await runCommand(['backup', join(server.dataDirectory, 'backup')], {
      DEVPILOT_DATA_DIR: server.dataDirectory,
    });
    assert.equal(code, 0, stderr);
    const text = await (await fetch(server.running.metricsUrl ?? '')).text();
    const startedAt = readMetric(text, 'devpilot_last_backup_timestamp_seconds') * 1000;
    assert.ok(startedAt >= earliestStart && startedAt <= Date.now(), String(startedAt));
  } finally {
    await server.close();
  }
});
