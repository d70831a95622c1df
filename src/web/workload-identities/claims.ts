/** Decodes the payload of a JWT. Throws if the payload is not base64url. */
function decodePayload(token: string): string {
  const encoded = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(encoded), (character) => character.codePointAt(0) ?? 0);
  return new TextDecoder().decode(bytes);
}

/** Parses the claims in a JSON object or in a JWT, whose signature is not verified. Returns null for any other text. */
export function parseClaims(text: string): Record<string, unknown> | null {
  const trimmed = text.trim();
  try {
    const claims: unknown = JSON.parse(trimmed.startsWith('{') ? trimmed : decodePayload(trimmed));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? { ...claims } : null;
  } catch {
    return null;
  }
}
