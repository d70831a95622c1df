import { plural } from '../components/plural.ts';

export const strings = {
  bell: {
    label: (count: number | null) => {
      if (count === null) return 'Notices: many need attention';
      if (count === 0) return 'Notices: none';
      return plural(count, { one: 'Notices: 1 needs attention', other: `Notices: ${count} need attention` });
    },
    many: '99+',
  },
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
    workspaceNotFoundHint: 'The workspace in the URL does not exist, or you are not a member of it.',
  },
  secondFactorNeeded: {
    title: 'Two-factor authentication is required',
    reason: (workspace: string) =>
      `The policy of ${workspace} requires two-factor authentication for every member. Until you turn it on, you cannot access this workspace. A passkey does not count as a second factor.`,
    setUp: 'Set up two-factor authentication',
    checkAgain: 'Check again',
  },
  searchButton: {
    label: 'Search',
    keys: 'Ctrl K',
    appleKeys: '⌘ K',
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
    openNavigation: 'Open navigation',
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
