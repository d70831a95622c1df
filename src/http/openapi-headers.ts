import { LIMITS } from '../contract/limits.ts';
import { HEADERS } from '../contract/vocabulary.ts';

/** The extension that lists the header parameters of an operation until the document is postprocessed. */
export const HEADER_PARAMETERS = 'x-header-parameters';

const parameter = (name: string, description: string, schema: object, example: string) =>
  ({ in: 'header', name, required: false, description, schema: { type: 'string', ...schema }, example }) as const;

/** The header parameters that operations share, by component name. */
export const HEADER_COMPONENTS = {
  DevpilotWorkspace: parameter(
    HEADERS.workspace,
    'ID or slug of the workspace. If a person omits it, the workspace that they used last is selected. A credential belongs to one workspace and is refused if this header names another one.',
    { maxLength: 64 },
    'acme',
  ),
  IdempotencyKey: parameter(
    HEADERS.idempotencyKey,
    'A unique string, to retry the request safely. If the same request was already processed with this key within the last 24 hours, it is refused with `idempotent_replay`, and the `id` in the response is the ID of the resource that the first request created.',
    { minLength: LIMITS.idempotencyKey.min, maxLength: LIMITS.idempotencyKey.max },
    '9b2c6c1e-7d1f-4a51-8f0e-3c8d6f4f0a17',
  ),
  IfMatch: parameter(
    'If-Match',
    'The `ETag` of the resource when you read it. If the resource has changed since then, the request is refused with `conflict`.',
    { maxLength: 1024 },
    '"2f7b9a"',
  ),
} as const;

export type HeaderParameter = keyof typeof HEADER_COMPONENTS;
