export const strings = {
  settingsLayout: {
    tabs: {
      accessTokens: 'Access Tokens',
      apiKeys: 'API Keys',
      members: 'Members',
      activityLog: 'Activity log',
      workspace: 'Workspace',
    },
    tabsLabel: 'Settings',
  },
};
