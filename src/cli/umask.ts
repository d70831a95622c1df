/**
 * Importing this module sets a umask with which new files are accessible only to their owner. The original umask is
 * restored for commands that this process runs.
 */
export const inheritedUmask = process.umask(0o077);
