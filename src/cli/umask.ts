/** What this process writes is for its own user alone; a command that it starts gets back what there was. */
export const inheritedUmask = process.umask(0o077);
