import { SECRET_PREFIXES, type SecretKind } from '../../contract/words.ts';
import { SECRET_TAIL_LENGTH, secretKindOf } from '../../sdk/secret.ts';

/** A secret in a text. `secret` is for asking the server; it is never printed. */
export interface Hit {
  readonly secret: string;
  readonly kind: SecretKind;
  /** Counted from 1. */
  readonly line: number;
}

const SHAPE = new RegExp(`(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]{${SECRET_TAIL_LENGTH}}`, 'g');
const LONGEST = Math.max(...Object.values(SECRET_PREFIXES).map((prefix) => prefix.length)) + SECRET_TAIL_LENGTH;

function newlinesIn(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/**
 * Finds secrets in bytes that come in pieces, in memory that does not grow with them. What stands before
 * or after a secret does not matter: the checksum tells it from chance. Also reads UTF-16.
 */
export function createFinder(found: (hit: Hit) => void): { write(bytes: Uint8Array): void; end(): void } {
  let rest = '';
  let line = 1;
  let isWide: boolean | null = null;

  function search(text: string, isLast: boolean): void {
    let done = 0;
    SHAPE.lastIndex = 0;
    for (let match = SHAPE.exec(text); match !== null; match = SHAPE.exec(text)) {
      const [secret] = match;
      const kind = secretKindOf(secret);
      if (kind === null) {
        SHAPE.lastIndex = match.index + 1;
        continue;
      }
      found({ secret, kind, line: line + newlinesIn(text, match.index) });
      done = match.index + secret.length;
    }
    const keepFrom = isLast ? text.length : Math.max(done, text.length - LONGEST + 1, 0);
    line += newlinesIn(text, keepFrom);
    rest = text.slice(keepFrom);
  }

  return {
    write(bytes) {
      if (bytes.length === 0) return;
      isWide ??= (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
      search(rest + (isWide ? text.replaceAll('\0', '') : text), false);
    },
    end: () => search(rest, true),
  };
}
