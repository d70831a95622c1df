import type { Expiry } from './expiry.ts';
import type { Right } from './kinds.ts';

export type CredentialFormValues = {
  readonly name: string;
  readonly description: string;
  readonly rights: Right[];
  readonly passphrase: string;
  /** Whether the form generated the passphrase, so that the user has not stored it yet. */
  readonly generatedPassphrase: boolean;
  /** IP addresses and CIDR ranges, one per line; empty for any. */
  readonly addresses: string;
  readonly expiry: Expiry;
  readonly active: boolean;
  /** Whether an API key may be used by guards. */
  readonly guard: boolean;
};

/** The validated form values, with the addresses as a list and the expiry as a time. */
export type CredentialRequest = Omit<CredentialFormValues, 'expiry' | 'addresses'> & {
  readonly addresses: readonly string[];
  readonly expiresAt: string | null;
};

export const NEW_CREDENTIAL: CredentialFormValues = {
  name: '',
  description: '',
  rights: [],
  passphrase: '',
  generatedPassphrase: false,
  addresses: '',
  expiry: { choice: '90', dateText: '' },
  active: true,
  guard: false,
};
