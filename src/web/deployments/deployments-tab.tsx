import type { App } from '../../contract/apps.ts';
import { useAppQuery } from '../apps/app-query.ts';
import { IconRocket } from '../components/icons.ts';
import { ButtonLink } from '../components/link.tsx';
import { useListState } from '../components/list-state.ts';
import { EmptyState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import { DeployButton, missingConfiguration } from './deploy-button.tsx';
import { DeploymentTable } from './deployment-table.tsx';
import { strings } from './strings.ts';

function AppDeployments({ app }: { readonly app: App }) {
  const { isAdmin } = useWorkspace();
  const state = useListState();
  const missingText = missingConfiguration(app);
  return (
    <DeploymentTable
      state={state}
      app={app.id}
      repositoryOf={() => app.repository}
      isFiltered={state.isLaterPage}
      empty={
        <EmptyState
          icon={<IconRocket size={26} />}
          title={strings.deploymentsTab.noDeploymentsYetTitle}
          action={
            missingText === null ? (
              <DeployButton app={app} label={strings.deploymentsTab.startFirst} />
            ) : (
              isAdmin && (
                <ButtonLink to="/apps/$app/settings" params={{ app: app.id }}>
                  {strings.deploymentsTab.openSettings}
                </ButtonLink>
              )
            )
          }
        >
          {missingText ?? strings.deploymentsTab.noDeploymentsHint}{' '}
          {missingText !== null && !isAdmin && strings.deploymentsTab.askToConfigure}
        </EmptyState>
      }
    />
  );
}

/** The deployments of an app. */
export function DeploymentsTab() {
  const { data: app } = useAppQuery();
  return app === undefined ? null : <AppDeployments key={app.id} app={app} />;
}
