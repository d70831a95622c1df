interface Actor {
  /** One of `AUDIT_PARTY_KINDS`, such as `api_key`. `system` starts scheduled jobs. */
  readonly kind: string;
  readonly name: string | null;
}

/** Returns the display name of the actor that started a job or saved a version. */
export function actorName({ kind, name }: Actor): string {
  if (kind === 'system') return name ?? 'schedule';
  return name ?? kind.replaceAll('_', ' ');
}
