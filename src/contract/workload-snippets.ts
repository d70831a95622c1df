import type { ClaimConditions } from './claim-patterns.ts';
import { providerOf, type WorkloadProvider } from './workload-issuers.ts';

/** Generates the configuration of pipelines. Also runs in browsers. */

interface Identity {
  readonly id: string;
  readonly issuer: string;
  readonly audience: string;
  readonly conditions: ClaimConditions;
}

/** Guesses the provider of an identity's tokens from its issuer, or from claims that only one provider has. Pure. */
export function guessProvider({ issuer, conditions }: Pick<Identity, 'issuer' | 'conditions'>): WorkloadProvider {
  const provider = providerOf(issuer);
  if (provider !== 'other') return provider;
  if (conditions['sub']?.startsWith('system:serviceaccount:')) return 'kubernetes';
  if (conditions['project_path'] !== undefined) return 'gitlab';
  return conditions['repository'] !== undefined ? 'github' : 'other';
}

const EXCHANGE_COMMAND = 'devpilot exchange -- ./deploy.sh';

const SNIPPETS: Readonly<Record<WorkloadProvider, (url: string, id: string, audience: string) => string>> = {
  github: (url, id) => `permissions:
  contents: read
  id-token: write
jobs:
  deploy:
    runs-on: ubuntu-latest
    env:
      DEVPILOT_URL: ${url}
      DEVPILOT_WORKLOAD_IDENTITY: ${id}
    steps:
      - run: ${EXCHANGE_COMMAND}`,
  gitlab: (url, id, audience) => `deploy:
  id_tokens:
    DEVPILOT_ID_TOKEN:
      aud: ${audience}
  variables:
    DEVPILOT_URL: ${url}
    DEVPILOT_WORKLOAD_IDENTITY: ${id}
  script:
    - ${EXCHANGE_COMMAND}`,
  kubernetes: (url, id, audience) => `containers:
  - env:
      - { name: DEVPILOT_URL, value: "${url}" }
      - { name: DEVPILOT_WORKLOAD_IDENTITY, value: ${id} }
    command: [devpilot, exchange, --, ./deploy.sh]
    volumeMounts:
      - { name: devpilot, mountPath: /var/run/secrets/devpilot, readOnly: true }
volumes:
  - name: devpilot
    projected:
      sources:
        - serviceAccountToken: { path: token, audience: "${audience}", expirationSeconds: 600 }`,
  buildkite: (url, id) => `steps:
  - command: ${EXCHANGE_COMMAND}
    env:
      DEVPILOT_URL: ${url}
      DEVPILOT_WORKLOAD_IDENTITY: ${id}`,
  circleci: (url, id) => `steps:
  - run:
      command: ${EXCHANGE_COMMAND}
      environment:
        DEVPILOT_URL: ${url}
        DEVPILOT_WORKLOAD_IDENTITY: ${id}`,
  other: (url, id) => `export DEVPILOT_URL=${url}
export DEVPILOT_WORKLOAD_IDENTITY=${id}
devpilot exchange --token-file token.jwt -- ./deploy.sh`,
};

/** Returns the configuration of a pipeline that uses a workload identity. Pure. */
export function pipelineSnippet(identity: Identity, url: string): string {
  return SNIPPETS[guessProvider(identity)](url, identity.id, identity.audience);
}
