import type { App } from '../../contract/apps.ts';

export type AppHook = App['hooks'][number];

/** Default values of the fields that are missing in hooks that older versions of Devpilot stored. */
const DEFAULTS = { interpreter: '/bin/sh', retries: 0, variables: 'environment' } as const;
export type StoredHook = Omit<AppHook, keyof typeof DEFAULTS> & Partial<Pick<AppHook, keyof typeof DEFAULTS>>;

/** Adds the fields that are missing in hooks that older versions of Devpilot stored. Pure. */
export const completeHooks = (hooks: readonly StoredHook[]): AppHook[] =>
  hooks.map((hook) => ({ ...DEFAULTS, ...hook }));

/** Parses the `hooks` column of an app. Pure. */
export const parseHooks = (json: string): AppHook[] => completeHooks(JSON.parse(json) as StoredHook[]);
