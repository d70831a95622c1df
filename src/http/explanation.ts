import type { Decision } from '../authorization/decision.ts';
import { AuthorizationExplanation, EXPLAINED_REFUSAL_CODES, ExplainAuthorization } from '../contract/explanation.ts';
import type { DecisionStep } from '../contract/vocabulary.ts';
import { explainDecision } from '../credentials/explanation.ts';
import type { AppContext } from './app-context.ts';
import { proxyStatusOf } from './authorize.ts';
import { problemOfDecision } from './decision-problem.ts';
import { workspaceIdOf } from './principal.ts';
import { parseResource, requirementOfRights } from './proxy-requirement.ts';
import { isAllowed } from './resource-access.ts';
import { type Route, route } from './route.ts';

/**
 * The step at which each refusal is decided. Null for `ok`, and for refusals that no explanation can have, because they
 * depend on the secret or the headers of a request.
 */
const STEP_BY_DECISION: Readonly<Record<Decision, DecisionStep | null>> = {
  ok: null,
  invalid_token: null,
  passphrase_required: 'passphrase',
  passphrase_incorrect: 'passphrase',
  token_inactive: 'active',
  token_expired: 'expiry',
  credential_spent: 'uses',
  address_not_allowed: 'address',
  wrong_credential_kind: 'kind',
  insufficient_scope: 'rights',
  other_workspace: null,
  resource_not_allowed: 'resource',
  rate_limited: 'passphrase',
  rate_exceeded: 'rate',
};

/** Returns how `/v1/authorize` would respond to a request with the credential, and why. */
async function explain(
  context: AppContext,
  workspaceId: string,
  { credential, requirement, address, resource }: ExplainAuthorization,
): Promise<AuthorizationExplanation> {
  const requiredRights = requirementOfRights(requirement.scopes ?? null, requirement.permissions ?? null);
  const namedResource = resource === undefined ? null : parseResource(resource);
  const {
    decision,
    record,
    assumed,
    rate = null,
  } = await explainDecision(context.credentials, workspaceId, {
    credentialId: credential,
    requirement: requiredRights,
    address: address ?? null,
    checkResource:
      namedResource === null
        ? undefined
        : (allowed, workspace) => isAllowed(context, namedResource.type, workspace, namedResource.idOrSlug, allowed),
  });
  if (decision === 'ok')
    return { allowed: true, step: null, status: 200, code: null, detail: null, assumed: [...assumed] };
  const { passphraseVerifier, clock } = context;
  const problem = problemOfDecision({ decision, record, rate }, requiredRights, {
    address: address ?? '',
    now: clock(),
    passphraseVerifier,
  });
  const status = proxyStatusOf(problem) === 403 ? 403 : 401;
  const code = EXPLAINED_REFUSAL_CODES.find((refusal) => refusal === problem.code) ?? null;
  return {
    allowed: false,
    step: STEP_BY_DECISION[decision],
    status,
    code,
    detail: problem.message,
    assumed: [...assumed],
  };
}

export function explanationRoutes(context: AppContext): Route[] {
  return [
    route({
      method: 'POST',
      url: '/v1/authorize/explain',
      access: { person: 'admin' },
      summary: 'Explain an authorization decision',
      description:
        'Returns how `/v1/authorize` would respond to a request with a credential, and why. Does not need the secret and does not count a use.',
      tag: 'Introspection',
      body: ExplainAuthorization,
      responses: { 200: AuthorizationExplanation },
      errorCodes: ['not_found'],
      handler: ({ body, request }) => explain(context, workspaceIdOf(request), body),
    }),
  ];
}
