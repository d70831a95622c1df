import type { FastifyRequest } from 'fastify';
import type { Reauthenticate } from '../contract/reauthentication.ts';
import { reauthenticate } from '../people/reauthentication.ts';
import type { PersonRow } from '../store/people.ts';
import type { AppContext } from './app-context.ts';
import { signedInOf } from './principal.ts';
import { relyingPartyOf } from './public-origin.ts';
import { originOf } from './request-context.ts';

/** Reauthenticates the signed-in person of a request. Throws the errors of `reauthenticate`. */
export function confirmIdentity(
  context: AppContext,
  request: FastifyRequest,
  confirmation: Reauthenticate,
): Promise<PersonRow> {
  const relyingParty = () => relyingPartyOf(context, request);
  return reauthenticate(context.people, signedInOf(request), confirmation, relyingParty, originOf(request));
}
