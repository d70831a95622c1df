import { Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { WorkloadIdentity } from '../../contract/workload-identities.ts';
import { guessProvider, pipelineSnippet } from '../../contract/workload-snippets.ts';
import { CodeBlock } from '../components/code-block.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { DeleteButton, EditButton } from '../components/edit-delete-buttons.tsx';
import { lazyComponent } from '../components/lazy-component.tsx';
import { BackLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { ExactTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { mono } from '../components/text.tsx';
import { restrictionItems } from '../credential/restriction-items.tsx';
import { useWorkspace } from '../session.ts';
import { ConditionList } from './condition-list.tsx';
import { ExchangesSection } from './exchanges-section.tsx';
import { IDENTITIES_KEY, strings } from './strings.ts';
import { TestSection } from './test-section.tsx';

const EditIdentityDialog = lazyComponent(() =>
  import('./identity-dialogs.tsx').then((file) => file.EditIdentityDialog),
);
const DeleteIdentityDialog = lazyComponent(() =>
  import('./identity-dialogs.tsx').then((file) => file.DeleteIdentityDialog),
);

const texts = strings.identityPage;

function DetailsSection({ identity }: { readonly identity: WorkloadIdentity }) {
  const { issuer, jwksUrl, audience, conditions, scopes, restrictions, lifetimeSeconds } = identity;
  const { lastExchangedAt, createdAt, id } = identity;
  const lifetimeMinutes = Number((lifetimeSeconds / 60).toFixed(1));
  return (
    <Section title={texts.detailsTitle}>
      <DescriptionList
        items={[
          [texts.items.conditions, <ConditionList key="conditions" conditions={conditions} />],
          [texts.items.issuer, mono(issuer)],
          jwksUrl !== null && [texts.items.jwksUrl, mono(jwksUrl)],
          [texts.items.audience, mono(audience)],
          [texts.items.scopes, mono(scopes.join(', '))],
          ...restrictionItems(restrictions),
          [texts.items.lifetime, texts.minutes(lifetimeMinutes)],
          [
            texts.items.lastExchange,
            lastExchangedAt === null ? strings.listPage.never : <ExactTime key="last" time={lastExchangedAt} />,
          ],
          [texts.items.created, <ExactTime key="created" time={createdAt} />],
          [texts.items.id, <CopyableId key="id" id={id} />],
        ]}
      />
    </Section>
  );
}

function IdentityDetails({ identity }: { readonly identity: WorkloadIdentity }) {
  const navigate = useNavigate();
  const { isAdmin } = useWorkspace();
  const [dialog, setDialog] = useState<'edit' | 'delete' | null>(null);
  const close = () => setDialog(null);
  return (
    <Page
      title={identity.name}
      description={strings.providers[guessProvider(identity)]}
      actions={
        isAdmin && (
          <Group gap="xs">
            <EditButton onClick={() => setDialog('edit')} />
            <DeleteButton onClick={() => setDialog('delete')} />
          </Group>
        )
      }
    >
      <Section title={texts.snippetTitle} description={texts.snippetDescription}>
        <CodeBlock label={texts.snippetLabel}>{pipelineSnippet(identity, window.location.origin)}</CodeBlock>
      </Section>
      <DetailsSection identity={identity} />
      {isAdmin && <TestSection identity={identity} />}
      {isAdmin && <ExchangesSection identity={identity} />}
      {dialog === 'edit' && <EditIdentityDialog identity={identity} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteIdentityDialog
          identity={identity}
          onClose={close}
          onDeleted={() => void navigate({ to: '/settings/workload-identities', search: {} })}
        />
      )}
    </Page>
  );
}

/**
 * The page of a workload identity: the configuration of its pipeline, its details and, for owners and admins, a test
 * and the last exchanges.
 */
export function IdentityPage() {
  const { api, workspace } = useWorkspace();
  const { id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, IDENTITIES_KEY, id],
    queryFn: ({ signal }) => api.workloadIdentities.get(id, { signal }),
    refetchInterval: 10_000,
  });
  return (
    <ResourcePage
      noun={texts.noun}
      title={texts.title}
      backLink={<BackLink to="/settings/workload-identities">{texts.back}</BackLink>}
      query={query}
    >
      {(identity) => <IdentityDetails identity={identity} />}
    </ResourcePage>
  );
}
