export const strings = {
  removedAccess: {
    neverUsed: 'never used',
    lastUsed: (ago: string) => `last used ${ago}`,
    notUsedSince: (date: string) => `not used since ${date}, when counting began`,
    disabled: (lastUse: string) => `All of its requests are refused from now on (${lastUse}).`,
    removed: (permission: string) => `Without ${permission}, requests that need it are refused.`,
    removedWithUse: (permission: string, lastUse: string) =>
      `Without ${permission}, requests that need it are refused (${lastUse}).`,
  },
  editApiKeyDialog: {
    title: (name: string) => `Edit ${name}`,
    save: 'Save',
    saveAgain: 'Save again',
    saved: (name: string) => `API key ${name} saved. Its secret has not changed.`,
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
    enabled: (name: string) => `API key ${name} enabled`,
    disabled: (name: string) => `API key ${name} disabled.`,
    isActive: (name: string) => `${name} is active`,
  },
  keyUpdate: {
    changedByOther: (name: string) =>
      `${name} was changed meanwhile, so nothing was saved. The page now shows it as it is; try again if the change is still needed.`,
    undone: (name: string) => `The change to ${name} was undone.`,
  },
};
