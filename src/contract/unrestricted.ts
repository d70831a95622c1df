import type { Restrictions } from './restrictions.ts';

/** Returns whether the restrictions of a credential restrict nothing. Pure. */
export const isUnrestricted = ({ addresses, projects, apps, rate, maxUses }: Restrictions): boolean =>
  addresses.length + projects.length + apps.length === 0 && rate === null && maxUses === null;
