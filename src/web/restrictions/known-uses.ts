import type { CredentialUses } from '../../contract/credentials.ts';
import type { Option } from '../components/filters.tsx';

/** A restriction to more addresses or apps than this is not offered, because it would hardly limit a credential. */
const MAX_KNOWN = 5;

/** The addresses and the apps of a credential's recent uses. Each list is empty unless it is complete and short. */
export interface KnownUses {
  readonly addresses: readonly string[];
  readonly apps: readonly Option[];
}

export const NO_KNOWN_USES: KnownUses = { addresses: [], apps: [] };

export function toKnownUses({ addresses, rights }: Pick<CredentialUses, 'addresses' | 'rights'>): KnownUses {
  const apps = new Map<string, string>();
  for (const { app } of rights) {
    if (app?.name != null) apps.set(app.id, app.name);
  }
  // A right that was used on no app, or on an app that has been deleted, would be lost by a restriction to apps.
  const canRestrictToApps = rights.every(({ app }) => app?.name != null) && apps.size <= MAX_KNOWN;
  return {
    addresses: addresses.length > MAX_KNOWN ? [] : addresses.map(({ address }) => address),
    apps: canRestrictToApps ? [...apps].map(([value, label]) => ({ value, label })) : [],
  };
}
