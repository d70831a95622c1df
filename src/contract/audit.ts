import type { AuditAction, AuditPartyKind, CredentialKind } from './vocabulary.ts';

/** Someone or something that the activity log names. Ids and names stay in the log after what they name is gone. */
export interface AuditParty {
  readonly kind: AuditPartyKind;
  readonly id: string | null;
  readonly name: string | null;
}

/** Where a request came from. */
export interface RequestOrigin {
  /** The client's address as far as proxies are trusted, or null (a command, the system itself). */
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

/** A credential that an event is about, or that did it. */
export interface CredentialReference {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly name: string;
}

/** An entry of the activity log before it is numbered and chained. `detail` never holds a secret. */
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
