import type { AuditAction, AuditPartyKind } from './event-names.ts';
import type { CredentialKind } from './vocabulary.ts';

/**
 * A person, a credential, a resource or Devpilot itself (`system`) in the activity log. Its ID and name stay in the log
 * after it is deleted.
 */
export interface AuditParty {
  readonly kind: AuditPartyKind;
  readonly id: string | null;
  readonly name: string | null;
}

/** Where a request came from. */
export interface RequestOrigin {
  /**
   * The client's address, from trusted proxies if there are any; null for commands that are run on the Devpilot host,
   * and for Devpilot itself.
   */
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

/** The credential that is the actor or the target of an event. */
export interface CredentialReference {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly name: string;
}

/** An entry of the activity log, before it gets its sequence number and hash. `detail` must not contain secrets. */
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
