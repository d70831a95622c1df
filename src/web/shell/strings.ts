export const strings = {
  accountMenu: {
    light: 'Light',
    dark: 'Dark',
    system: 'System',
    accountPrefix: 'Account:',
    yourAccount: 'Your account',
    peopleOnThisServer: 'People on this server',
    theme: 'Theme',
    selected: 'selected',
    signOut: 'Sign out',
  },
  brand: {
    name: 'Devpilot',
  },
  connectionBanner: {
    connectionLost: 'Connection lost. Reconnecting…',
  },
  noWorkspace: {
    workspaceNotFoundTitle: 'Workspace not found',
    chooseAnother: 'Choose another workspace',
    workspaceNotFoundHint: 'It may have been renamed or deleted, or you are not a member of it.',
  },
  shell: {
    links: {
      projects: 'Projects',
      apps: 'Apps',
      deployments: 'Deployments',
      servers: 'Servers',
      scripts: 'Scripts',
      activity: 'Activity',
      errors: 'Errors',
      settings: 'Settings',
    },
    skipToContent: 'Skip to content',
    openNavigation: 'Navigation',
    mainLabel: 'Main',
    closeNavigation: 'Close navigation',
  },
  workspaceSwitcher: {
    workspacePrefix: 'Workspace:',
    chooseAWorkspace: 'Choose a workspace',
    current: 'current',
    createWorkspace: 'Create workspace',
  },
};
