import { LIMITS } from '../contract/limits.ts';
import { HEADERS } from '../contract/vocabulary.ts';

/** Lists the header parameters of an operation while the document is generated. */
export const HEADER_PARAMETERS = 'x-header-parameters';

const parameter = (name: string, description: string, schema: object, example: string) =>
  ({ in: 'header', name, required: false, description, schema: { type: 'string', ...schema }, example }) as const;

/** The header parameters that operations share, by the names of their components. */
export const HEADER_COMPONENTS = {
  DevpilotWorkspace: parameter(
    HEADERS.workspace,
    'ID or slug of the workspace. A person who is a member of several must name one; a credential belongs to one, and is refused if this names another.',
    { maxLength: 64 },
    'acme',
  ),
  IdempotencyKey: parameter(
    HEADERS.idempotencyKey,
    'Any string that is unique per request. A request that is repeated with it within 24 hours changes nothing and is refused with `idempotent_replay`, which names what the first one created.',
    { minLength: LIMITS.idempotencyKey.min, maxLength: LIMITS.idempotencyKey.max },
    '9b2c6c1e-7d1f-4a51-8f0e-3c8d6f4f0a17',
  ),
  IfMatch: parameter(
    'If-Match',
    'The ETag of the representation that this request is based on. If it has changed meanwhile, the request is refused with `conflict`.',
    { maxLength: 1024 },
    '"2f7b9a"',
  ),
} as const;

export type HeaderParameter = keyof typeof HEADER_COMPONENTS;
