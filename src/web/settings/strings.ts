export const strings = {
  settingsLayout: {
    tabs: {
      accessTokens: 'Access Tokens',
      apiKeys: 'API Keys',
      workloadIdentities: 'Workload identities',
      members: 'Members',
      review: 'Review',
      activityLog: 'Activity log',
      policy: 'Policy',
      webhooks: 'Webhooks',
      workspace: 'Workspace',
    },
    tabsLabel: 'Settings',
  },
};
