import type { AuditAction, AuditPartyKind } from './event-names.ts';
import type { CredentialKind } from './vocabulary.ts';

/** A person, credential or resource in the activity log. Its id and name stay in the log after it is deleted. */
export interface AuditParty {
  readonly kind: AuditPartyKind;
  readonly id: string | null;
  readonly name: string | null;
}

/** The origin of a request. */
export interface RequestOrigin {
  /** The client's address according to trusted proxies, or null (a command or the system itself). */
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

/** The credential that an event concerns, or that performed it. */
export interface CredentialReference {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly name: string;
}

/** An entry of the activity log before it is numbered and chained. `detail` must not contain secrets. */
export interface AuditDraft {
  readonly workspaceId: string;
  readonly action: AuditAction;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly actor: AuditParty;
  readonly target: AuditParty | null;
  readonly credential: CredentialReference | null;
  readonly origin: RequestOrigin;
  readonly detail: Readonly<Record<string, unknown>>;
}
