import type { Restrictions } from '../../contract/restrictions.ts';
import { type RestrictionValues, UNRESTRICTED } from '../restrictions/restriction-values.ts';
import type { Expiry } from './expiry.ts';
import type { Right } from './kinds.ts';

export type CredentialFormValues = RestrictionValues & {
  readonly name: string;
  readonly description: string;
  readonly rights: Right[];
  readonly passphrase: string;
  /** Whether the form generated the passphrase, which the user has therefore not stored yet. */
  readonly isPassphraseGenerated: boolean;
  readonly expiry: Expiry;
  readonly active: boolean;
  /** Whether guards can use the API key. */
  readonly guard: boolean;
};

/** The validated form values, with the restrictions as in the API and the expiry as a time. */
export type CredentialRequest = Omit<CredentialFormValues, 'expiry' | keyof RestrictionValues> & {
  readonly restrictions: Restrictions;
  readonly expiresAt: string | null;
};

export const NEW_CREDENTIAL: CredentialFormValues = {
  name: '',
  description: '',
  rights: [],
  passphrase: '',
  isPassphraseGenerated: false,
  ...UNRESTRICTED,
  expiry: { choice: '90', dateText: '' },
  active: true,
  guard: false,
};
