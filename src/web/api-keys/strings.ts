export const strings = {
  activeSwitch: {
    enabled: (name: string) => `API key ${name} enabled`,
    disabled: (name: string) => `API key ${name} disabled`,
    yes: 'Yes',
    no: 'No',
    isActive: (name: string) => `${name} is active`,
  },
  apiKeysPage: {
    activeColumn: 'Active',
  },
  editApiKeyDialog: {
    title: (name: string) => `Edit ${name}`,
    save: 'Save',
    saved: (name: string) => `API key ${name} saved. Its secret has not changed.`,
  },
};
