import type { Decision } from './decision.ts';
import type { CredentialRecord } from './record.ts';

/** What the store decided on one use of a credential with a maximum number of uses. */
export interface UseReceipt {
  readonly accepted: boolean;
  /** Whether no use is left after this one. */
  readonly spent: boolean;
}

/** Counts one use of a credential against its maximum, in the store. Resolves to null if the credential was deleted. */
export type SpendUse = (workspaceId: string, credentialId: string) => Promise<UseReceipt | null>;

/** Returns the decision on an otherwise accepted use of a credential that may be used `maxUses` times. */
export async function decideUse(record: CredentialRecord, spendUse: SpendUse): Promise<Decision> {
  const { restrictions } = record;
  const receipt = await spendUse(record.workspace.id, record.id);
  if (receipt === null) return 'invalid_token';
  if (receipt.spent && restrictions !== null) restrictions.spent = true;
  return receipt.accepted ? 'ok' : 'credential_spent';
}
