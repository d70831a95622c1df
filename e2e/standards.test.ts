import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';

let testServer: TestServer;
let owner: TestPerson;
let apiKey: string;
before(async () => {
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  apiKey = (await createKey(owner, ['read'])).secret;
});
after(() => testServer.close());

/** Configures the client as in the guide, and additionally allows plain HTTP. */
const discover = (method: client.ClientAuth) =>
  client.discovery(new URL(testServer.url), 'billing-service', undefined, method, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  });

describe('openid-client, configured only with the URL', () => {
  test('introspects a token of the workspace (RFC 7662)', async () => {
    const config = await discover(client.ClientSecretPost(apiKey));
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const token = await createToken(owner, ['modify_env', 'run_scripts'], { expiresAt });
    const result = await client.tokenIntrospection(config, token.secret);
    assert.deepEqual(
      { ...result },
      {
        active: true,
        scope: 'modify_env run_scripts',
        client_id: token.id,
        sub: owner.workspaceId,
        token_type: 'Bearer',
        iss: testServer.url,
        iat: Math.floor(Date.parse(token.createdAt) / 1000),
        exp: Math.floor(Date.parse(expiresAt) / 1000),
        kind: 'access_token',
      },
    );
  });

  test('returns only "not active" for a token of another workspace, a missing passphrase or garbage', async () => {
    const config = await discover(client.ClientSecretBasic(apiKey));
    const otherOwner = await createWorkspaceFor(owner, testServer, 'Globex');
    const tokenOfOtherWorkspace = await createToken(otherOwner, ['all']);
    const tokenWithPassphrase = await createToken(owner, ['all'], { passphrase: 'correct horse' });
    for (const candidate of ['garbage', tokenOfOtherWorkspace.secret, tokenWithPassphrase.secret]) {
      assert.deepEqual({ ...(await client.tokenIntrospection(config, candidate)) }, { active: false });
    }
    const withPassphrase = await client.tokenIntrospection(config, tokenWithPassphrase.secret, {
      passphrase: 'correct horse',
    });
    assert.equal(withPassphrase.active, true);
  });

  test('rejects a key without read, and an unknown key', async () => {
    const deployKey = await createKey(owner, ['deploy']);
    const unknown = `${deployKey.secret.slice(0, -1)}_`;
    for (const [method, status] of [
      [client.ClientSecretPost(deployKey.secret), 403],
      [client.ClientSecretPost(unknown), 401],
      [client.ClientSecretBasic(unknown), 401],
    ] as const) {
      const config = await discover(method);
      // Both statuses have a challenge, which the library reports before the body.
      await assert.rejects(client.tokenIntrospection(config, 'x'), { status });
    }
  });

  test('revokes a token with or without a client secret (RFC 7009)', async () => {
    for (const method of [client.ClientSecretBasic(apiKey), client.None()]) {
      const config = await discover(method);
      const token = await createToken(owner, ['modify_env']);
      assert.equal((await testServer.call('/v1/authorize', { headers: bearer(token.secret) })).status, 200);
      await client.tokenRevocation(config, token.secret, { token_type_hint: 'access_token' });
      assert.equal((await testServer.call('/v1/authorize', { headers: bearer(token.secret) })).status, 401);
      await client.tokenRevocation(config, token.secret);
    }
  });

  test('signs a device in (RFC 8628)', async () => {
    const config = await discover(client.None());
    const started = await client.initiateDeviceAuthorization(config, {});
    const approved = await owner.call('/v1/device/approve', { body: { userCode: started.user_code } });
    assert.equal(approved.status, 204);
    const granted = await client.pollDeviceAuthorizationGrant(config, { ...started, interval: 0.1 });
    assert.match(granted.access_token, /^devpilot_session_/);
  });
});

describe('oauth4webapi', () => {
  test('discovers, introspects and revokes', async () => {
    const issuer = new URL(testServer.url);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    const server = await oauth.processDiscoveryResponse(issuer, discovered);
    const oauthClient: oauth.Client = { client_id: 'billing-service' };
    const key = await createKey(owner, ['read', 'write']);
    const introspect = async (secret: string) => {
      const response = await oauth.introspectionRequest(
        server,
        oauthClient,
        oauth.ClientSecretBasic(apiKey),
        secret,
        insecure,
      );
      return oauth.processIntrospectionResponse(server, oauthClient, response);
    };
    const introspection = await introspect(key.secret);
    assert.deepEqual(
      [introspection.active, introspection.scope, introspection['kind']],
      [true, 'read write', 'api_key'],
    );
    const revoked = await oauth.revocationRequest(server, oauthClient, oauth.None(), key.secret, insecure);
    assert.equal(await oauth.processRevocationResponse(revoked), undefined);
    assert.deepEqual({ ...(await introspect(key.secret)) }, { active: false });
  });
});

test('the metadata names only existing endpoints, under the public URL', async () => {
  const { body } = await testServer.call<Record<string, string | string[]>>('/.well-known/oauth-authorization-server');
  const endpoints = Object.entries(body).filter(([name]) => name.endsWith('_endpoint'));
  assert.equal(endpoints.length, 4);
  for (const [, url] of endpoints) {
    assert.ok(String(url).startsWith(`${testServer.url}/v1/`));
    const { status } = await testServer.call(String(url).slice(testServer.url.length), { method: 'DELETE' });
    assert.equal(status, 405);
  }
});
