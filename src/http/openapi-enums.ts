import { CODES } from '../contract/error-codes.ts';
import { AUDIT_ACTIONS, AUDIT_PARTY_KINDS } from '../contract/event-names.ts';
import { WORK_STATUSES } from '../contract/platform-vocabulary.ts';
import * as vocabulary from '../contract/vocabulary.ts';

/** Enumerations that become components, so that client generators use one name for each. */
const ENUMERATIONS: Readonly<Record<string, readonly string[]>> = {
  AccessTokenStatus: vocabulary.ACCESS_TOKEN_STATUSES,
  ApiKeyStatus: vocabulary.API_KEY_STATUSES,
  AuditAction: AUDIT_ACTIONS,
  AuditPartyKind: AUDIT_PARTY_KINDS,
  CredentialKind: vocabulary.CREDENTIAL_KINDS,
  Permission: vocabulary.PERMISSIONS,
  ProblemCode: Object.keys(CODES),
  Role: vocabulary.ROLES,
  Scope: vocabulary.SCOPES,
  WorkStatus: WORK_STATUSES,
};

const NAME_BY_VALUES: ReadonlyMap<string, string> = new Map(
  Object.entries(ENUMERATIONS).map(([name, values]) => [JSON.stringify(values), name]),
);

/** Replaces the enumerations above in a value with references. Returns the referenced components by name. */
export function extractEnumerations(value: unknown): Record<string, { type: string; enum: string[] }> {
  const components: Record<string, { type: string; enum: string[] }> = {};
  function replaceIn(part: unknown): void {
    if (typeof part !== 'object' || part === null) return;
    const schema = part as { type?: unknown; enum?: unknown; $ref?: string };
    const name = Array.isArray(schema.enum) ? NAME_BY_VALUES.get(JSON.stringify(schema.enum)) : undefined;
    if (name !== undefined && schema.type === 'string') {
      components[name] = { type: 'string', enum: [...(ENUMERATIONS[name] ?? [])] };
      delete schema.type;
      delete schema.enum;
      schema.$ref = `#/components/schemas/${name}`;
    }
    for (const child of Object.values(part)) replaceIn(child);
  }
  replaceIn(value);
  return components;
}
