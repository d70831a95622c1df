import { useAppQuery } from '../apps/app-query.ts';
import { useProjectsAndServers } from '../apps/resource-names.tsx';
import { VariableList } from './variable-list.tsx';

/** The variables of an app, including those it inherits from its project. */
export function EnvironmentTab() {
  const { data: app } = useAppQuery();
  const { projectName } = useProjectsAndServers();
  if (app === undefined) return null;
  const { id, slug, name, projectId, requiredVariables } = app;
  const project = { id: projectId, name: projectName(projectId) ?? projectId };
  return <VariableList key={id} owner={{ kind: 'app', id, slug, name, project, requiredNames: requiredVariables }} />;
}
