import type { PeopleContext } from './context.ts';
import type { AuthorizationRequest } from './oidc-provider.ts';

/** Why the browser was sent to the provider. */
export type FlowPurpose =
  | {
      readonly kind: 'sign_in';
      /** Codes that allow a person without an account to sign up. */
      readonly invitation: string | null;
      readonly setupCode: string | null;
    }
  /** To link an account at the provider to the signed-in person. */
  | { readonly kind: 'link'; readonly personId: string; readonly sessionId: string };

/** A single sign-on in progress. It is stored only in an encrypted cookie of the browser that started it. */
export interface Flow {
  readonly request: AuthorizationRequest;
  readonly purpose: FlowPurpose;
  readonly returnPath: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly expiresAt: number;
}

const FLOW_ASSOCIATED_DATA = 'single sign-on flow';

export function sealJson({ seal }: Pick<PeopleContext, 'seal'>, value: object, associatedData: string): string {
  return seal.seal(JSON.stringify(value), associatedData);
}

/** Returns the value that `sealJson` encrypted, or null if decryption or parsing fails. */
export function openJson({ seal }: Pick<PeopleContext, 'seal'>, sealed: string, associatedData: string): unknown {
  try {
    return JSON.parse(seal.open(sealed, associatedData));
  } catch {
    return null;
  }
}

export function sealFlow(context: Pick<PeopleContext, 'seal'>, flow: Flow): string {
  return sealJson(context, flow, FLOW_ASSOCIATED_DATA);
}

/** Returns the flow in a cookie, or null if the cookie is missing, has expired or was not created by this server. */
export function openFlow(context: Pick<PeopleContext, 'seal' | 'clock'>, sealed: string | null): Flow | null {
  const flow = sealed === null ? null : (openJson(context, sealed, FLOW_ASSOCIATED_DATA) as Flow | null);
  return flow !== null && flow.expiresAt > context.clock() ? flow : null;
}
