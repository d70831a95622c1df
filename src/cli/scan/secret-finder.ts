import { SECRET_PREFIXES, type SecretKind } from '../../contract/vocabulary.ts';
import { SECRET_TAIL_LENGTH, secretKindOf } from '../../sdk/secret.ts';

/**
 * A secret found in a text. `secret` is sent to the server only to check, revoke or report it, and is never printed.
 */
export interface SecretMatch {
  readonly secret: string;
  readonly kind: SecretKind;
  /** Line number, starting at 1. */
  readonly line: number;
}

const SECRET_PATTERN = new RegExp(
  `(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]{${SECRET_TAIL_LENGTH}}`,
  'g',
);
const MAX_SECRET_LENGTH =
  Math.max(...Object.values(SECRET_PREFIXES).map((prefix) => prefix.length)) + SECRET_TAIL_LENGTH;

function countNewlines(text: string, end: number): number {
  let count = 0;
  for (let index = text.indexOf('\n'); index !== -1 && index < end; index = text.indexOf('\n', index + 1)) count++;
  return count;
}

/**
 * Finds secrets in a stream of bytes, in constant memory. A secret may be surrounded by any text, because its checksum
 * rules out accidental matches. Also finds secrets in UTF-16 with a byte order mark.
 */
export function createSecretFinder(onMatch: (match: SecretMatch) => void): {
  write(bytes: Uint8Array): void;
  end(): void;
} {
  let carriedOver = '';
  let lineNumber = 1;
  let isUtf16: boolean | null = null;

  function search(text: string, isLast: boolean): void {
    let matchedUntil = 0;
    SECRET_PATTERN.lastIndex = 0;
    for (let match = SECRET_PATTERN.exec(text); match !== null; match = SECRET_PATTERN.exec(text)) {
      const [secret] = match;
      const kind = secretKindOf(secret);
      if (kind === null) {
        SECRET_PATTERN.lastIndex = match.index + 1;
        continue;
      }
      onMatch({ secret, kind, line: lineNumber + countNewlines(text, match.index) });
      matchedUntil = match.index + secret.length;
    }
    const keepFrom = isLast ? text.length : Math.max(matchedUntil, text.length - MAX_SECRET_LENGTH + 1, 0);
    lineNumber += countNewlines(text, keepFrom);
    carriedOver = text.slice(keepFrom);
  }

  return {
    write(bytes) {
      if (bytes.length === 0) return;
      isUtf16 ??= (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
      search(carriedOver + (isUtf16 ? text.replaceAll('\0', '') : text), false);
    },
    end: () => search(carriedOver, true),
  };
}
