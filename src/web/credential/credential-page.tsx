import { Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useLocation, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { Policy } from '../../contract/policy.ts';
import { describeRight } from '../../contract/vocabulary.ts';
import { KeyStatus } from '../api-keys/key-status.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { DeleteButton, EditButton } from '../components/edit-delete-buttons.tsx';
import { capitalize } from '../components/format.ts';
import { IconRefresh, IconTrash } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { BackLink } from '../components/link.tsx';
import { Tag } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { ExactTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, EmptyState, ErrorState } from '../components/states.tsx';
import { mono } from '../components/text.tsx';
import {
  ACCESS_TOKENS,
  API_KEYS,
  type Credential,
  type CredentialKindConfig,
  credentialsKey,
  getKindConfig,
  getRights,
  isDeletedError,
  type Right,
} from '../credentials/kinds.ts';
import { rotationOf } from '../credentials/rotation.ts';
import { RotationNote } from '../credentials/rotation-note.tsx';
import { CredentialStatusTag } from '../credentials/status-tag.tsx';
import { useCredentialUses } from '../credentials/use-credential-uses.ts';
import { RuleTags } from '../policy/rule-tags.tsx';
import { policyQuery } from '../policy/use-policy.ts';
import { findViolatedRules } from '../policy/violated-rules.ts';
import { useWorkspace } from '../session.ts';
import { ActivitySection } from './activity-section.tsx';
import styles from './credential.module.css';
import { LeakSection } from './leak-section.tsx';
import { restrictionItems } from './restriction-items.tsx';
import { strings } from './strings.ts';
import { UsesSections } from './uses-section.tsx';

const DeleteCredentialDialog = lazyComponent(() =>
  import('../credentials/delete-credential-dialog.tsx').then((file) => file.DeleteCredentialDialog),
);
const ReplaceCredentialDialog = lazyComponent(() =>
  import('../credentials/replace-credential-dialog.tsx').then((file) => file.ReplaceCredentialDialog),
);
const ExplainDialog = lazyComponent(() => import('./explain-dialog.tsx').then((file) => file.ExplainDialog));
const EditApiKeyDialog = lazyComponent(() =>
  import('../api-keys/edit-api-key-dialog.tsx').then((file) => file.EditApiKeyDialog),
);

type DialogName = 'edit' | 'explain' | 'replace' | 'continue' | 'delete';

function CredentialActions({
  credential,
  open,
}: {
  readonly credential: Credential;
  readonly open: (dialog: DialogName) => void;
}) {
  return (
    <Group gap="xs">
      <Button variant="default" onClick={() => open('explain')}>
        {strings.credentialPage.checkAccess}
      </Button>
      {credential.kind === 'api_key' && <EditButton onClick={() => open('edit')} />}
      {credential.replacedBy === null && (
        <Button variant="default" leftSection={<IconRefresh size={16} />} onClick={() => open('replace')}>
          {strings.credentialPage.replace}
        </Button>
      )}
      <DeleteButton onClick={() => open('delete')} />
    </Group>
  );
}

interface CredentialDetailsProps {
  readonly credential: Credential;
  /** Undefined for members, and until the policy is loaded. */
  readonly policy: Policy | undefined;
}

function CredentialDetails({ credential, policy }: CredentialDetailsProps) {
  const kind = getKindConfig(credential);
  const isKey = credential.kind === 'api_key';
  const violatedRules = policy === undefined ? [] : findViolatedRules(policy, credential);
  const { createdAt, createdBy, expiresAt, lastUsedAt, useCount, hint, id } = credential;
  return (
    <Section title={strings.credentialPage.detailsTitle}>
      <DescriptionList
        items={[
          [
            strings.credentialPage.status,
            isKey ? (
              <KeyStatus key="status" apiKey={credential} />
            ) : (
              <CredentialStatusTag key="status" credential={credential} />
            ),
          ],
          violatedRules.length > 0 && [
            strings.credentialPage.violatesPolicy,
            <RuleTags key="violated" rules={violatedRules} />,
          ],
          isKey &&
            credential.description !== null && [
              strings.credentialPage.description,
              <span key="description" style={{ whiteSpace: 'pre-line' }}>
                {credential.description}
              </span>,
            ],
          [
            kind.rightsLabel,
            <ul key="rights" className={styles['rights']}>
              {getRights(credential).map((right) => (
                <li key={right}>
                  <Tag tone={right === 'all' ? 'warning' : 'neutral'}>{right}</Tag>
                  <Text span fz="xs" c="dimmed">
                    {describeRight(right)}
                  </Text>
                </li>
              ))}
            </ul>,
          ],
          !isKey && [
            strings.credentialPage.passphrase,
            credential.hasPassphrase ? strings.credentialPage.required : strings.credentialPage.none,
          ],
          ...restrictionItems(credential.restrictions),
          isKey && credential.guard && [strings.credentialPage.guards, strings.credentialPage.allowed],
          [
            strings.credentialPage.expires,
            expiresAt === null ? strings.credentialPage.never : <ExactTime key="expires" time={expiresAt} />,
          ],
          [
            strings.credentialPage.lastUsed,
            lastUsedAt === null ? strings.credentialPage.never : <ExactTime key="used" time={lastUsedAt} />,
          ],
          [strings.credentialPage.uses, useCount.toLocaleString('en')],
          [
            strings.credentialPage.created,
            <span key="created">
              {credential.kind === 'access_token' && credential.origin !== 'person'
                ? strings.credentialPage.issued[credential.origin](<ExactTime time={createdAt} />)
                : strings.credentialPage.createdBy(<ExactTime time={createdAt} />, createdBy?.name ?? null)}
            </span>,
          ],
          isKey &&
            credential.updatedAt !== createdAt && [
              strings.credentialPage.updated,
              <ExactTime key="updated" time={credential.updatedAt} />,
            ],
          [
            strings.credentialPage.secret,
            hint === '' ? strings.credentialPage.imported : mono(`${kind.prefix}…${hint}`),
          ],
          [strings.credentialPage.id, <CopyableId key="id" id={id} />],
        ]}
      />
    </Section>
  );
}

function CredentialLeak({ credential }: { readonly credential: Credential }) {
  const { data } = useCredentialUses(credential);
  return <LeakSection id={credential.id} uses={data} />;
}

/** Shown for a credential that does not exist or was deleted. */
function CredentialNotFound({ kind, id }: { readonly kind: CredentialKindConfig; readonly id: string }) {
  const { isAdmin } = useWorkspace();
  return (
    <Page title={strings.credentialPage.notFoundTitle(capitalize(kind.noun))}>
      <BackLink to={kind.path}>{kind.title}</BackLink>
      <EmptyState icon={<IconTrash size={26} />} title={strings.credentialPage.doesNotExistTitle(kind.noun)}>
        {strings.credentialPage.doesNotExistHint}
      </EmptyState>
      {isAdmin && <LeakSection id={id} uses={null} />}
      {isAdmin && <ActivitySection id={id} />}
    </Page>
  );
}

interface Suggestion {
  readonly rights?: readonly Right[];
  readonly addresses?: readonly string[];
}

/** The page of a credential: its properties, its uses and their origins, and its activity. */
export function CredentialPage() {
  const access = useWorkspace();
  const { workspace, api, isAdmin } = access;
  const policy = useQuery(policyQuery(access));
  const navigate = useNavigate();
  const { id = '' } = useParams({ strict: false });
  const { do: requestedAction } = useSearch({ strict: false }) as { do?: string };
  const path = useLocation({ select: ({ pathname }) => pathname });
  const kind = path.startsWith(API_KEYS.path) ? API_KEYS : ACCESS_TOKENS;
  const [dialog, setDialog] = useState<DialogName | null>(requestedAction === 'replace' ? 'replace' : null);
  const { data, error, refetch } = useQuery<Credential>({
    queryKey: [...credentialsKey(workspace.id, kind), id],
    queryFn: ({ signal }) => (kind === API_KEYS ? api.apiKeys : api.accessTokens).get(id, { signal }),
    refetchInterval: (query) => (query.state.error === null ? 5000 : false),
  });
  /** The values that the form of the opened dialog suggests. */
  const [suggested, setSuggested] = useState<Suggestion>({});
  function close(): void {
    setDialog(null);
    setSuggested({});
  }
  function openWith(name: DialogName, suggestion: Suggestion): void {
    setSuggested(suggestion);
    setDialog(name);
  }
  const isReplacing = dialog === 'replace' || dialog === 'continue';
  // The last step of a rotation deletes the credential. The page stays, because the dialog then shows the result.
  if (isDeletedError(error) && !(isReplacing && data !== undefined)) return <CredentialNotFound kind={kind} id={id} />;
  if (data === undefined) {
    return (
      <Page title={kind.title}>
        {error === null ? <BlockSkeleton height={420} /> : <ErrorState error={error} retry={() => void refetch()} />}
      </Page>
    );
  }
  function openReplacement(): void {
    close();
    const search = { workspace: workspace.slug };
    if (data?.replacedBy == null) void navigate({ to: kind.path, search });
    else void navigate({ to: `${kind.path}/$id`, params: { id: data.replacedBy }, search });
  }
  const isKey = kind === API_KEYS;
  const canReplace = data.replacedBy === null;
  return (
    <Stack gap="md">
      <BackLink to={kind.path}>{kind.title}</BackLink>
      <Page title={data.name} actions={isAdmin && <CredentialActions credential={data} open={setDialog} />}>
        <RotationNote credential={data} withLink onContinue={isAdmin ? () => setDialog('continue') : undefined} />
        <div className={styles['columns']}>
          <CredentialDetails credential={data} policy={policy.data} />
          <div>
            <UsesSections
              credential={data}
              onReplaceWithUsed={isAdmin && canReplace ? (rights) => openWith('replace', { rights }) : undefined}
              // A token cannot be edited, so it is restricted by replacing it.
              onRestrict={
                isAdmin && (isKey || canReplace)
                  ? (addresses) => openWith(isKey ? 'edit' : 'replace', { addresses })
                  : undefined
              }
            />
          </div>
        </div>
        {isAdmin && <CredentialLeak credential={data} />}
        {isAdmin && <ActivitySection id={id} />}
      </Page>
      {dialog === 'edit' && data.kind === 'api_key' && (
        <EditApiKeyDialog apiKey={data} addresses={suggested.addresses} onClose={close} />
      )}
      {dialog === 'explain' && <ExplainDialog credential={data} onClose={close} />}
      {isReplacing && isAdmin && !policy.isPending && (
        <ReplaceCredentialDialog
          credential={data}
          {...suggested}
          oldId={dialog === 'continue' ? rotationOf(data)?.oldId : undefined}
          onClose={close}
          onDone={isDeletedError(error) ? openReplacement : undefined}
        />
      )}
      {dialog === 'delete' && (
        <DeleteCredentialDialog
          credential={data}
          onClose={close}
          onDeleted={() => void navigate({ to: kind.path, search: { workspace: workspace.slug } })}
        />
      )}
    </Stack>
  );
}
