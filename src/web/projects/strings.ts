export const strings = {
  projectDialogs: {
    fieldLabels: { name: 'Name', description: 'Description' },
    namePlaceholder: 'Shop',
    consequences: 'A project with apps cannot be deleted. Delete its apps or move them to another project first.',
  },
  projectPage: {
    appsTitle: 'Apps',
    newApp: 'New app',
    emptyText: 'No apps in this project yet.',
    emptyTextForMembers: 'No apps in this project yet. An owner or admin can create one.',
    variablesTitle: 'Variables',
    variablesDescription:
      'All apps of the project inherit these variables, starting with their next deployment. An app variable with the same name overrides the project variable.',
    detailsTitle: 'Details',
  },
  projectsPage: {
    slug: 'Slug',
    description: 'A project groups apps that belong together, such as a shop and its workers.',
    emptyHint: 'Create a project, then add your apps to it.',
  },
};
