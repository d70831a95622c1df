import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';

type Claims = Readonly<Record<string, unknown>>;

/**
 * An issuer of workload identity tokens on loopback, which signs any claims. Tests can replace `respond` to simulate
 * faults. `ci-issuer.ts` starts an issuer of the library oidc-provider instead.
 */
export interface WorkloadIssuer {
  readonly url: string;
  /** The published keys. */
  readonly jwks: { keys: JWK[] };
  /** Paths of all requests. */
  readonly requests: string[];
  respond: (path: string, response: http.ServerResponse) => void;
  /** Signs claims, by default with the first key of the issuer. */
  sign(claims: Claims, options?: { header?: Partial<JWTHeaderParameters>; key?: SigningKey }): Promise<string>;
  /** Creates and publishes another key. */
  addKey(kid: string, alg?: string): Promise<SigningKey>;
  close(): Promise<void>;
}

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function createSigningKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export async function startWorkloadIssuer(): Promise<WorkloadIssuer> {
  const firstKey = await createSigningKey('first');
  const jwks = { keys: [firstKey.jwk] };
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request.url ?? '');
    issuer.respond(request.url ?? '', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: WorkloadIssuer = {
    url,
    jwks,
    requests,
    respond(path, response) {
      const document = path === '/keys' ? jwks : { issuer: url, jwks_uri: `${url}/keys` };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
    },
    sign: (claims, { header, key = firstKey } = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
        .sign(key.privateKey),
    async addKey(kid, alg) {
      const key = await createSigningKey(kid, alg);
      jwks.keys.push(key.jwk);
      return key;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return issuer;
}
