/**
 * Files written by this process are accessible only to its user; commands that it starts get the original umask back.
 */
export const inheritedUmask = process.umask(0o077);
