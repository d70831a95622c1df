import { CODES, type Code } from '../contract/error-codes.ts';
import { Problem } from '../contract/problem.ts';
import { toOAuthError } from './oauth-errors.ts';

/** The parts of a JSON Schema from which an example is built. */
interface ExampleSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, ExampleSchema>>;
  readonly items?: ExampleSchema;
  readonly anyOf?: readonly ExampleSchema[];
  readonly oneOf?: readonly ExampleSchema[];
}

const PLACEHOLDER = 'text';

const ORIGIN = 'https://devpilot.example.com';
const SHA_256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

/** Examples of texts by property name, for schemas without an example. */
const EXAMPLES_BY_NAME: Readonly<Record<string, string>> = {
  access_token: 'workspace_token_… (shown once)',
  address: '203.0.113.9',
  app: 'shop',
  audience: 'wid_01kaexample0000000000000000',
  branch: 'main',
  category: 'cart',
  client: 'Devpilot CLI',
  client_id: 'devpilot-cli',
  client_secret: 'dp_…',
  code: '123456',
  command: 'npm ci',
  commit: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b',
  credentialId: 'tok_01kaexample0000000000000000',
  currentPassword: 'correct horse battery staple',
  description: 'Deploys the shop',
  detail: 'The body is not well-formed JSON.',
  device_authorization_endpoint: `${ORIGIN}/v1/device/code`,
  device_code: 'Zk3v…',
  directory: '/srv/shop',
  dsn: 'https://0123456789abcdef0123456789abcdef@devpilot.example.com/1',
  email: 'ada@example.com',
  environment: 'production',
  field: 'name',
  file: 'src/cart.js',
  function: 'placeOrder',
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  hash: SHA_256,
  hint: 'x7Qd',
  host: 'web1.example.com',
  hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…',
  id: 'res_01kaexample0000000000000000',
  interpreter: '/bin/sh',
  introspection_endpoint: `${ORIGIN}/v1/introspect`,
  invitation: 'pV7c…',
  iss: ORIGIN,
  issuer: ORIGIN,
  jwksUrl: 'https://ci.example.com/jwks',
  key: 'order.paid',
  link: `${ORIGIN}/reset#code=…`,
  logCommand: 'journalctl -fu shop',
  logout_token: 'eyJhbGciOiJSUzI1NiJ9.…',
  message: 'Cannot read the configuration',
  name: 'Release pipeline',
  nextCursor: 'eyJhZnRlciI6IjIwMjcifQ',
  note: 'Needed until the migration ends',
  passphrase: 'correct horse battery staple',
  password: 'correct horse battery staple',
  path: '/access-tokens',
  previousHash: SHA_256,
  publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…',
  reason: 'The token has expired',
  release: 'shop@2.4.0',
  reportedBy: '198.51.100.7',
  repository: 'https://git.example.com/acme/shop.git',
  repositoryUser: 'deploy',
  requestId: 'a1B2c3d4-7',
  requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  resource: 'wid_01kaexample0000000000000000',
  restoreCommand: 'pg_restore --clean -d shop',
  revocation_endpoint: `${ORIGIN}/v1/revoke`,
  run: 'npm run migrate',
  runAs: 'deploy',
  schedule: '0 3 * * *',
  scope: 'modify_env run_scripts',
  secret: 'JBSWY3DPEHPK3PXP',
  service_documentation: `${ORIGIN}/docs`,
  setupCode: 'Xk3…',
  sha256: SHA_256,
  slug: 'shop',
  source: '/shop',
  step: 'check out',
  sub: 'tok_01kaexample0000000000000000',
  subject: 'order 5',
  subject_token: 'eyJhbGciOiJSUzI1NiJ9.…',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  timeZone: 'Europe/Berlin',
  title: 'Malformed request',
  token: 'dp_…',
  token_endpoint: `${ORIGIN}/v1/oauth/token`,
  token_type: 'Bearer',
  token_type_hint: 'access_token',
  type: 'order.paid',
  uri: 'otpauth://totp/Devpilot:ada@example.com?secret=JBSWY3DPEHPK3PXP',
  url: ORIGIN,
  user: 'deploy',
  userAgent: 'curl/8.14.1',
  userCode: 'BCDF-GHJK',
  user_code: 'BCDF-GHJK',
  value: 'info',
  verification_uri: `${ORIGIN}/device`,
  verification_uri_complete: `${ORIGIN}/device#BCDF-GHJK`,
  workspaceId: 'wsp_01kaexample0000000000000000',
};

function exampleOfObject(schema: ExampleSchema, schemas: Readonly<Record<string, ExampleSchema>>): unknown {
  const entries = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const example = exampleOf(part, schemas);
    return [name, example === PLACEHOLDER ? (EXAMPLES_BY_NAME[name] ?? PLACEHOLDER) : example];
  });
  return Object.fromEntries(entries) as unknown;
}

/** Returns an example of a value: from a schema's examples, enumerations and formats, or otherwise a placeholder. */
export function exampleOf(schema: ExampleSchema, schemas: Readonly<Record<string, ExampleSchema>>): unknown {
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.$ref !== undefined)
    return exampleOf(schemas[schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)] ?? {}, schemas);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) return exampleOf(variants[0] ?? {}, schemas);
  const [type] = [schema.type].flat();
  if (type === 'object') return exampleOfObject(schema, schemas);
  if (type === 'array') return schema.items === undefined ? [] : [exampleOf(schema.items, schemas)];
  if (type === 'integer' || type === 'number') return 1;
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return schema.format === 'date' ? '2027-02-24' : PLACEHOLDER;
}

/** Returns the first error code with this status. */
const codeOfStatus = (status: string): Code =>
  (Object.keys(CODES) as Code[]).find((candidate) => String(CODES[candidate].status) === status) ?? 'internal';

/** Returns an example of a problem with this status. */
export function problemExample(status: string): object {
  const code = codeOfStatus(status);
  const { title } = CODES[code];
  const details = {
    ...(code === 'validation_failed' && { errors: [{ field: 'name', message: 'must be 3 to 255 characters' }] }),
    ...(code === 'insufficient_scope' && { required: ['modify_env'] }),
  };
  return {
    type: `/docs/problems/${code}`,
    title,
    status: Number(status),
    detail: title,
    code,
    requestId: 'a1B2c3d4-7',
    ...details,
  };
}

/** Returns an example of an OAuth error (RFC 6749, section 5.2) with this status. */
export const oauthErrorExample = (status: string): object => ({
  ...toOAuthError(new Problem(codeOfStatus(status))).members,
  ...problemExample(status),
});
