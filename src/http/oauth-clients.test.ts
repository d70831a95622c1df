import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { ensureOAuthClients } from '../testing/debian-packages.ts';
import {
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

/** How far the server's clock is ahead. The tests advance it before the second poll instead of waiting. */
let clockAheadMs = 0;
let server: TestServer;
let owner: TestPerson;
before(async () => {
  ensureOAuthClients();
  server = await startTestServer({ clock: () => Date.now() + clockAheadMs });
  owner = await signUpOwner(server);
});
after(() => server.close());

/**
 * Each program prints one JSON array per step: the name of the step and a value from the response. After the step
 * `code`, it waits until the test has approved the sign-in and written a line to its standard input.
 */
const PROGRAMS: Readonly<Record<string, readonly [interpreter: string, source: string]>> = {
  'Authlib (Python)': [
    '/usr/bin/python3',
    `
import json, os
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
url, key, token, revoked = (os.environ[name] for name in ('URL', 'KEY', 'TOKEN', 'REVOKED'))
report = lambda *step: print(json.dumps(step), flush=True)
for method in ('client_secret_basic', 'client_secret_post'):
    service = OAuth2Session('billing', key, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method)
    report('introspect', service.introspect_token(url + '/v1/introspect', token=token).json()['active'])
report('revoke', service.revoke_token(url + '/v1/revoke', token=revoked).status_code)
report('introspect', service.introspect_token(url + '/v1/introspect', token=revoked).json()['active'])
unknown_client = OAuth2Session('billing', 'nonsense', revocation_endpoint_auth_method='client_secret_basic')
report('refused', unknown_client.introspect_token(url + '/v1/introspect', token=token).json()['error'])
device = OAuth2Session('cli', token_endpoint_auth_method='none')
code = device.post(url + '/v1/device/code', data={'client_id': 'cli'}, withhold_token=True).json()
def poll():
    return device.fetch_token(url + '/v1/oauth/token', grant_type='urn:ietf:params:oauth:grant-type:device_code', device_code=code['device_code'])
try:
    poll()
except OAuthError as error:
    report('pending', error.error)
report('code', code['user_code'])
input()
report('token', poll()['token_type'])
report('me', device.get(url + '/v1/me').status_code)
`,
  ],
  'requests-oauthlib (Python)': [
    '/usr/bin/python3',
    `
import json, os
from oauthlib.oauth2 import DeviceClient, OAuth2Error
from requests import post
from requests_oauthlib import OAuth2Session
url, key, token, revoked = (os.environ[name] for name in ('URL', 'KEY', 'TOKEN', 'REVOKED'))
report = lambda *step: print(json.dumps(step), flush=True)
def introspect(secret, auth=None, **fields):
    return post(url + '/v1/introspect', data={'token': secret, **fields}, auth=auth).json()
report('introspect', introspect(token, auth=('billing', key))['active'])
report('introspect', introspect(token, client_id='billing', client_secret=key)['active'])
client = DeviceClient('cli')
endpoint, headers, body = client.prepare_token_revocation_request(url + '/v1/revoke', revoked)
report('revoke', post(endpoint, headers=headers, data=body).status_code)
report('introspect', introspect(revoked, auth=('billing', key))['active'])
report('refused', introspect(token, auth=('billing', 'nonsense'))['error'])
device = OAuth2Session(client=client)
code = post(url + '/v1/device/code', data={'client_id': 'cli'}).json()
def poll():
    return device.fetch_token(url + '/v1/oauth/token', device_code=code['device_code'], include_client_id=True)
try:
    poll()
except OAuth2Error as error:
    report('pending', error.error)
report('code', code['user_code'])
input()
report('token', poll()['token_type'])
report('me', device.get(url + '/v1/me').status_code)
`,
  ],
  'oauth2 (Ruby)': [
    '/usr/bin/ruby',
    `
require 'json'
require 'oauth2'
url, key, token, revoked = %w[URL KEY TOKEN REVOKED].map { |name| ENV.fetch(name) }
def report(*step) = (puts JSON.generate(step); $stdout.flush)
introspect = lambda do |secret, client_secret, scheme|
  service = OAuth2::Client.new('billing', client_secret, site: url, auth_scheme: scheme)
  request = OAuth2::Authenticator.new(service.id, service.secret, scheme).apply('token' => secret)
  headers = request.delete(:headers) || {}
  service.request(:post, '/v1/introspect', body: request, headers: headers, raise_errors: false).parsed
end
%i[basic_auth request_body].each { |scheme| report 'introspect', introspect.call(token, key, scheme)['active'] }
client = OAuth2::Client.new('cli', nil, site: url, token_url: '/v1/oauth/token', auth_scheme: :request_body)
report 'revoke', client.request(:post, '/v1/revoke', body: { token: revoked }).status
report 'introspect', introspect.call(revoked, key, :basic_auth)['active']
report 'refused', introspect.call(token, 'nonsense', :basic_auth)['error']
code = client.request(:post, '/v1/device/code', body: { client_id: 'cli' }).parsed
poll = lambda do
  client.get_token(grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: code['device_code'])
end
begin
  poll.call
rescue OAuth2::Error => error
  report 'pending', error.code
end
report 'code', code['user_code']
$stdin.gets
session = poll.call
report 'token', session.params['token_type']
report 'me', session.get('/v1/me').status
`,
  ],
};

for (const [library, [interpreter, source]] of Object.entries(PROGRAMS)) {
  test(`${library} introspects and revokes tokens and signs in a device`, async () => {
    const [key, token, revoked] = await Promise.all([
      createKey(owner, ['read']),
      createToken(owner, ['modify_env']),
      createToken(owner, ['modify_env']),
    ]);
    const program = spawn(interpreter, [interpreter.endsWith('ruby') ? '-e' : '-c', source], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        URL: server.url,
        KEY: key.secret,
        TOKEN: token.secret,
        REVOKED: revoked.secret,
        AUTHLIB_INSECURE_TRANSPORT: '1',
        OAUTHLIB_INSECURE_TRANSPORT: '1',
      },
    });
    const exited = once(program, 'exit');
    let errors = '';
    program.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const steps: [string, unknown][] = [];
    for await (const line of createInterface(program.stdout)) {
      const [step, value] = JSON.parse(line) as [string, unknown];
      if (step !== 'code') {
        steps.push([step, value]);
        continue;
      }
      assert.equal((await owner.call('/v1/device/approve', { body: { userCode: value } })).status, 204);
      clockAheadMs += 10_000;
      program.stdin.end('\n');
    }
    const [status] = (await exited) as [number | null];
    assert.equal(status, 0, errors);
    assert.deepEqual(steps, [
      ['introspect', true],
      ['introspect', true],
      ['revoke', 200],
      ['introspect', false],
      ['refused', 'invalid_client'],
      ['pending', 'authorization_pending'],
      ['token', 'Bearer'],
      ['me', 200],
    ]);
  });
}
