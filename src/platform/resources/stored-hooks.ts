import type { App } from '../../contract/apps.ts';

export type AppHook = App['hooks'][number];

/** Fields that hooks saved by earlier versions lack. */
const DEFAULTS = { interpreter: '/bin/sh', retries: 0, variables: 'environment' } as const;
export type StoredHook = Omit<AppHook, keyof typeof DEFAULTS> & Partial<Pick<AppHook, keyof typeof DEFAULTS>>;

/** Returns hooks with the fields that they were saved without. Pure. */
export const completeHooks = (hooks: readonly StoredHook[]): AppHook[] =>
  hooks.map((hook) => ({ ...DEFAULTS, ...hook }));

/** Returns the hooks in the column of an app. Pure. */
export const parseHooks = (json: string): AppHook[] => completeHooks(JSON.parse(json) as StoredHook[]);
