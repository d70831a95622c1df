import type { DecisionStep } from '../contract/vocabulary.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type Credential, requireCredential } from './credentials.ts';
import { Failure } from './failure.ts';
import { formatDetails, print, printJson } from './output.ts';

export interface ExplainOptions extends RemoteOptions {
  readonly scope: readonly string[] | undefined;
  readonly permission: readonly string[] | undefined;
  readonly address: string | undefined;
  readonly resource: string | undefined;
}

/** What the explanation assumed about the request, per step of the decision. */
const ASSUMPTIONS: Readonly<Partial<Record<DecisionStep, string>>> = {
  passphrase: 'the correct passphrase',
  address: 'an allowed address',
};

/** Finds an access token or an API key by its ID or its full name. */
async function requireCredentialOfAnyKind(client: Client, idOrName: string): Promise<Credential> {
  if (idOrName.startsWith('key_')) return requireCredential(client, 'keys', idOrName);
  if (idOrName.startsWith('tok_')) return requireCredential(client, 'tokens', idOrName);
  const query = { q: idOrName };
  const matches = [
    ...(await Array.fromAsync<Credential>(client.accessTokens.all(query))),
    ...(await Array.fromAsync<Credential>(client.apiKeys.all(query))),
  ].filter(({ name }) => name === idOrName);
  const [match, ...others] = matches;
  if (match === undefined)
    throw new Failure(
      `No access token or API key named ${idOrName} found. List all with: devpilot tokens list, devpilot keys list`,
    );
  if (others.length === 0) return match;
  const ids = matches.map(({ id }) => id).join(', ');
  throw new Failure(`${matches.length} credentials are named ${idOrName}. Use an ID instead: ${ids}`);
}

/** Prints whether a request with a credential would be allowed, and why. Needs no secret, and does not count a use. */
export async function explain(idOrName: string, options: ExplainOptions): Promise<void> {
  const client = connect(options);
  const { id, name } = await requireCredentialOfAnyKind(client, idOrName);
  const { scope, permission, address, resource } = options;
  const explanation = await client.explain({
    credential: id,
    requirement: {
      // Not validated here: the server rejects unknown values with a message that lists the accepted ones.
      ...(scope !== undefined && { scopes: scope as 'all'[] }),
      ...(permission !== undefined && { permissions: permission as 'read'[] }),
    },
    ...(address !== undefined && { address }),
    ...(resource !== undefined && { resource }),
  });
  if (options.json === true) return printJson(explanation);
  const { allowed, status, code, step, detail, assumed } = explanation;
  const decision = allowed ? 'allowed' : `refused: ${code} (${status})`;
  if (options.quiet === true) return print(`${decision}\n`);
  await print(
    formatDetails(explanation, [
      { title: 'Credential', getValue: () => `${name} (${id})` },
      { title: 'Decision', getValue: () => decision },
      { title: 'Decided by', getValue: () => step },
      { title: 'Reason', getValue: () => detail },
      {
        title: 'Assumed',
        getValue: () => assumed.map((assumedStep) => ASSUMPTIONS[assumedStep] ?? assumedStep).join(', ') || null,
      },
    ]),
  );
}
