/** Prefixes of the secrets of other systems. Runs in browsers, so that a form can check them. */
import { FOREIGN_PREFIX_LIMITS } from './limits.ts';
import { SECRET_PREFIXES } from './vocabulary.ts';

const { min, max } = FOREIGN_PREFIX_LIMITS.length;
export const FOREIGN_PREFIX = new RegExp(`^[0-9A-Za-z][0-9A-Za-z._-]{${min - 1},${max - 1}}$`);
export const FOREIGN_PREFIX_MESSAGE = `must be ${min} to ${max} characters: letters, digits, ".", "_" and "-", starting with a letter or digit`;

/** Returns whether one of two prefixes starts with the other prefix. */
const overlaps = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);
const ownPrefixes = Object.values(SECRET_PREFIXES);
export const OWN_PREFIX_MESSAGE = `must neither start with a prefix of Devpilot nor be the start of one: ${ownPrefixes.join(', ')}`;
export const overlapsOwnPrefix = (text: string): boolean =>
  ownPrefixes.some((own) => overlaps(own, text.toLowerCase()));
