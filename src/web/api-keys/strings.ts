import { phrase } from '../components/sentence.ts';

export const strings = {
  removedAccess: {
    neverUsed: 'was never used',
    lastUsed: (ago: string) => `was last used ${ago}`,
    notUsedSince: (date: string) => `has not been used since ${date}, when counting began`,
    disabled: (lastUse: string) => `All requests with this key will be refused. The key ${lastUse}.`,
    removed: (permission: string) => `Requests that need the permission ${permission} will be refused.`,
    removedWithUse: (permission: string, lastUse: string) =>
      `Requests that need the permission ${permission} will be refused. The permission ${lastUse}.`,
  },
  editApiKeyDialog: {
    title: (name: string) => phrase`Edit ${name}`,
    save: 'Save',
    saveAgain: 'Save again',
    saved: (name: string) => phrase`API key ${name} saved. Its secret has not changed.`,
    fields: {
      name: 'Name',
      description: 'Description',
      permissions: 'Permissions',
      expiresAt: 'Expires',
      active: 'Active',
      guard: 'Allow guards',
      restrictions: 'Restrictions',
    },
  },
  keyStatus: {
    enabled: (name: string) => phrase`API key ${name} enabled`,
    /** Followed by `removedAccess.disabled`. */
    disabled: (name: string) => phrase`API key ${name} disabled.`,
    isActive: (name: string) => phrase`${name} is active`,
  },
  keyUpdate: {
    changedByOther: (name: string) =>
      phrase`${name} was changed by someone else, so nothing was saved. The page now shows the current version; try again if the change is still needed.`,
    undone: (name: string) => phrase`The change to ${name} was undone.`,
  },
};
