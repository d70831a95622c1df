import { redactSecrets } from '../../contract/redact.ts';

/** Shorter ones are found in every other word, and guessed by trying. */
const SHORTEST = 4;
/** Values that stand in the environment of every second app and hide nothing. */
const PLAIN =
  /^(?:true|false|null|none|auto|info|warn|error|debug|test|testing|staging|production|development|localhost|\d{1,5})$/i;
const BLOT = '[secret]';

/** Hides what must not be seen in a line. */
export interface Mask {
  /** The first `length` characters of a line, with every secret that begins in them blotted out. */
  (line: string, length: number): string;
  /** Characters of the longest secret. */
  readonly longest: number;
}

/** A value in the forms in which programs print it: as it is, line by line, as JSON, in an address, in base64. */
function formsOf(value: string): string[] {
  const whole = [
    value,
    JSON.stringify(value).slice(1, -1),
    value.isWellFormed() ? encodeURIComponent(value) : value,
    Buffer.from(value).toString('base64'),
  ];
  // Lines are what a mask is given, so a value of several is looked for line by line.
  return [...whole, ...value.split(/\r?\n/)].map((form) => form.trim()).filter((form) => !form.includes('\n'));
}

/** Makes a mask that hides these values and everything that looks like a secret of ours. */
export function createMask(values: Iterable<string>): Mask {
  const secrets = new Set<string>();
  for (const value of values) {
    if (PLAIN.test(value)) continue;
    for (const form of formsOf(value)) if (form.length >= SHORTEST) secrets.add(form);
  }
  const all = [...secrets].sort((one, other) => other.length - one.length);

  function mask(line: string, length: number): string {
    const hidden: [number, number][] = [];
    for (const secret of all) {
      for (let at = line.indexOf(secret); at >= 0 && at < length; at = line.indexOf(secret, at + 1)) {
        hidden.push([at, at + secret.length]);
      }
    }
    if (hidden.length === 0) return redactSecrets(line).slice(0, length);
    hidden.sort(([one], [other]) => one - other);
    let shown = '';
    let seen = 0;
    for (const [start, end] of hidden) {
      if (start >= seen) shown += line.slice(seen, start) + BLOT;
      seen = Math.max(seen, end);
    }
    return redactSecrets(shown + line.slice(seen, Math.max(seen, length)));
  }
  // Secrets of ours are shorter than this.
  return Object.assign(mask, { longest: Math.max(128, all[0]?.length ?? 0) });
}
