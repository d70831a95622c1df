import type { Decision } from './decision.ts';
import type { CredentialRecord } from './record.ts';
import type { CompiledRestrictions } from './restrictions.ts';

/** What the store decided on one use of a credential with a maximum number of uses. */
export interface UseReceipt {
  readonly accepted: boolean;
  /** Whether no use is left after this one. */
  readonly spent: boolean;
}

/** Counts one use of a credential against its maximum, in the store. Resolves to null if the credential was deleted. */
export type SpendUse = (workspaceId: string, credentialId: string) => Promise<UseReceipt | null>;

/** Returns whether what a request is about exists for a credential that is restricted to projects and apps. */
export type ResourceCheck = (
  allowed: NonNullable<CompiledRestrictions['resources']>,
  workspaceId: string,
) => boolean | Promise<boolean>;

/** Returns the decision on an otherwise accepted use of a credential that may be used `maxUses` times. */
async function decideUse(record: CredentialRecord, spendUse: SpendUse): Promise<Decision> {
  const { restrictions } = record;
  const receipt = await spendUse(record.workspace.id, record.id);
  if (receipt === null) return 'invalid_token';
  if (receipt.spent && restrictions !== null) restrictions.spent = true;
  return receipt.accepted ? 'ok' : 'credential_spent';
}

/**
 * Returns the decision on an otherwise accepted use of a restricted credential: first its resource, then the use itself.
 * `spendUse` is null if no use is to be counted. Synchronous unless the store has to be asked.
 */
export function decideRestricted(
  record: CredentialRecord,
  restrictions: CompiledRestrictions,
  check: ResourceCheck | undefined,
  spendUse: SpendUse | null,
): Decision | Promise<Decision> {
  const spend = () => (restrictions.maxUses === null || spendUse === null ? 'ok' : decideUse(record, spendUse));
  const { resources } = restrictions;
  const isAllowed = resources === null || check === undefined || check(resources, record.workspace.id);
  if (isAllowed instanceof Promise) return isAllowed.then((allowed) => (allowed ? spend() : 'resource_not_allowed'));
  return isAllowed ? spend() : 'resource_not_allowed';
}
