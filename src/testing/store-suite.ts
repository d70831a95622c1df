import { after, before, describe } from 'node:test';
import { findCredential } from '../store/credentials.ts';
import type { Store } from '../store/store.ts';
import { declareAuditLogTests } from './store-suite/audit-log.ts';
import { declareCredentialListTests } from './store-suite/credential-lists.ts';
import { declareCredentialTests } from './store-suite/credentials.ts';
import { declareFailureTests } from './store-suite/failures.ts';
import type { StoreFixture } from './store-suite/fixture.ts';
import { declareIdempotencyTests } from './store-suite/idempotency.ts';
import { declarePeopleTests } from './store-suite/people.ts';
import { declareRevocationTests } from './store-suite/revocations.ts';
import { declareUseTests } from './store-suite/uses.ts';
import { seedWorkspace } from './test-store.ts';

/**
 * Declares the tests that every store must pass. `open` returns an empty store. If stores compared digests or IDs
 * differently, their authorization decisions would differ too (as in another system: CVE-2026-55170).
 */
export function declareStoreSuite(engine: string, open: () => Promise<Store>): void {
  describe(`the store on ${engine}`, () => {
    let store: Store;
    let owner: StoreFixture['owner'];
    const fixture: StoreFixture = {
      get store() {
        return store;
      },
      get owner() {
        return owner;
      },
      find: (id, workspaceId = owner.workspaceId) => findCredential(store.read, workspaceId, 'api_key', id),
    };
    before(async () => {
      store = await open();
      owner = await seedWorkspace(store);
    });
    after(() => store.close());

    declareCredentialTests(fixture);
    declareCredentialListTests(fixture);
    declareRevocationTests(fixture);
    declareAuditLogTests(fixture);
    declareIdempotencyTests(fixture);
    declareFailureTests(fixture);
    declareUseTests(fixture);
    declarePeopleTests(fixture);
  });
}
