import { createCredentialAuthenticator } from '../../src/authorization/authenticate.ts';
import { createFailureLimiter } from '../../src/authorization/failure-limiter.ts';
import { createPassphraseVerifier } from '../../src/authorization/passphrase-verifier.ts';
import { type CredentialRecord, labelOf } from '../../src/authorization/record.ts';
import type { RecordRegistry } from '../../src/authorization/registry.ts';
import { createTrustedClients } from '../../src/authorization/trusted-clients.ts';
import type { UsageRecorder } from '../../src/authorization/usage-recorder.ts';
import { FAILURE_LIMITS } from '../../src/contract/limits.ts';

/** Creates an authenticator for credentials without a passphrase, a rate limit or a use limit. */
export function createAuthenticator(registry: RecordRegistry, usageRecorder: UsageRecorder) {
  const noFailures = {
    recentFailures: async () => [],
    countFailureIfAllowed: async () => ({ earlier: [], counted: true }),
  };
  return createCredentialAuthenticator({
    registry,
    findRecord: registry.find,
    passphraseVerifier: createPassphraseVerifier(
      createFailureLimiter(noFailures, FAILURE_LIMITS.passphrase),
      createTrustedClients(() => Promise.resolve([])),
    ),
    usageRecorder,
    useCounting: {
      takeUse: () => Promise.resolve({ taken: null, accepted: true }),
      rateLimiter: {
        take: () => {
          throw new Error('No credential has a rate limit.');
        },
      },
    },
    clock: Date.now,
  });
}

/** Creates a record whose uses can be counted; it is in no cache. */
export function createRecord(id: string, workspaceId: string): CredentialRecord {
  return {
    kind: 'access_token',
    label: labelOf(id, 'Pipeline'),
    id,
    name: 'Pipeline',
    workspace: { id: workspaceId, revoked: false },
    rights: 1,
    active: true,
    expiresAt: null,
    createdAt: 1,
    passphraseHash: null,
    restrictions: null,
    row: -1,
  };
}
