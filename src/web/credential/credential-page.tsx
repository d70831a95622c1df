import { Button, Group, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useLocation, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { DeleteButton, EditButton } from '../components/edit-delete-buttons.tsx';
import { capitalize } from '../components/format.ts';
import { IconRefresh, IconTrash } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { BackLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { BlockSkeleton, EmptyState, ErrorState } from '../components/states.tsx';
import {
  ACCESS_TOKENS,
  API_KEYS,
  type Credential,
  type CredentialKindConfig,
  credentialsKey,
  getKindConfig,
  isNotFoundError,
  type Right,
} from '../credentials/kinds.ts';
import { rotationOf } from '../credentials/rotation.ts';
import { RotationNote } from '../credentials/rotation-note.tsx';
import { useCredentialUses } from '../credentials/use-credential-uses.ts';
import { policyQuery } from '../policy/use-policy.ts';
import { useWorkspace } from '../session.ts';
import { ActivitySection } from './activity-section.tsx';
import styles from './credential.module.css';
import { CredentialDetails } from './credential-details.tsx';
import { LeakSection } from './leak-section.tsx';
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

/** `continue` resumes a rotation that the credential is part of. */
type DialogName = 'edit' | 'explain' | 'replace' | 'continue' | 'delete';

function CredentialActions({
  credential,
  onOpen,
}: {
  readonly credential: Credential;
  readonly onOpen: (dialog: DialogName) => void;
}) {
  return (
    <Group gap="xs">
      <Button variant="default" onClick={() => onOpen('explain')}>
        {strings.credentialPage.checkAccess}
      </Button>
      {credential.kind === 'api_key' && <EditButton onClick={() => onOpen('edit')} />}
      {credential.replacedBy === null && (
        <Button variant="default" leftSection={<IconRefresh size={16} />} onClick={() => onOpen('replace')}>
          {strings.credentialPage.replace}
        </Button>
      )}
      <DeleteButton onClick={() => onOpen('delete')} />
    </Group>
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

/** Initial values of the form in a dialog. */
interface Suggestion {
  readonly rights?: readonly Right[];
  readonly addresses?: readonly string[];
}

interface OpenDialog {
  readonly name: DialogName;
  readonly suggestion: Suggestion;
}

const isReplacing = (dialog: OpenDialog | null): boolean => dialog?.name === 'replace' || dialog?.name === 'continue';

interface CredentialPageDialogsProps {
  readonly credential: Credential;
  readonly dialog: OpenDialog | null;
  readonly isDeleted: boolean;
  readonly onClose: () => void;
}

function CredentialPageDialogs({ credential, dialog, isDeleted, onClose }: CredentialPageDialogsProps) {
  const access = useWorkspace();
  const { workspace, isAdmin } = access;
  const policy = useQuery(policyQuery(access));
  const navigate = useNavigate();
  const { path } = getKindConfig(credential);
  const search = { workspace: workspace.slug };
  const openList = () => void navigate({ to: path, search });
  function openReplacement(): void {
    onClose();
    if (credential.replacedBy === null) openList();
    else void navigate({ to: `${path}/$id`, params: { id: credential.replacedBy }, search });
  }
  if (dialog === null) return null;
  const { name, suggestion } = dialog;
  return (
    <>
      {name === 'edit' && credential.kind === 'api_key' && (
        <EditApiKeyDialog apiKey={credential} addresses={suggestion.addresses} onClose={onClose} />
      )}
      {name === 'explain' && <ExplainDialog credential={credential} onClose={onClose} />}
      {isReplacing(dialog) && isAdmin && !policy.isPending && (
        <ReplaceCredentialDialog
          credential={credential}
          {...suggestion}
          oldId={name === 'continue' ? rotationOf(credential)?.oldId : undefined}
          onClose={onClose}
          onDone={isDeleted ? openReplacement : undefined}
        />
      )}
      {name === 'delete' && <DeleteCredentialDialog credential={credential} onClose={onClose} onDeleted={openList} />}
    </>
  );
}

interface CredentialContentProps {
  readonly credential: Credential;
  readonly onOpen: (name: DialogName, suggestion?: Suggestion) => void;
}

function CredentialContent({ credential, onOpen }: CredentialContentProps) {
  const access = useWorkspace();
  const { isAdmin } = access;
  const policy = useQuery(policyQuery(access));
  const isKey = credential.kind === 'api_key';
  const canReplace = isAdmin && credential.replacedBy === null;
  // A token cannot be edited, so it is restricted by replacing it.
  const canRestrict = isKey ? isAdmin : canReplace;
  return (
    <Page title={credential.name} actions={isAdmin && <CredentialActions credential={credential} onOpen={onOpen} />}>
      <RotationNote credential={credential} withLink onContinue={isAdmin ? () => onOpen('continue') : undefined} />
      <div className={styles['columns']}>
        <CredentialDetails credential={credential} policy={policy.data} />
        <div>
          <UsesSections
            credential={credential}
            onReplaceWithUsed={canReplace ? (rights) => onOpen('replace', { rights }) : undefined}
            onRestrict={canRestrict ? (addresses) => onOpen(isKey ? 'edit' : 'replace', { addresses }) : undefined}
          />
        </div>
      </div>
      {isAdmin && <CredentialLeak credential={credential} />}
      {isAdmin && <ActivitySection id={credential.id} />}
    </Page>
  );
}

/** The page of a credential: its properties, when and from where it was used, its leaks and its activity. */
export function CredentialPage() {
  const { workspace, api } = useWorkspace();
  const { id = '' } = useParams({ strict: false });
  const { do: requestedAction } = useSearch({ strict: false }) as { do?: string };
  const path = useLocation({ select: ({ pathname }) => pathname });
  const kind = path.startsWith(API_KEYS.path) ? API_KEYS : ACCESS_TOKENS;
  const [dialog, setDialog] = useState<OpenDialog | null>(
    requestedAction === 'replace' ? { name: 'replace', suggestion: {} } : null,
  );
  const { data, error, refetch } = useQuery<Credential>({
    queryKey: [...credentialsKey(workspace.id, kind), id],
    queryFn: ({ signal }) => (kind === API_KEYS ? api.apiKeys : api.accessTokens).get(id, { signal }),
    refetchInterval: (query) => (query.state.error === null ? 5000 : false),
  });
  const isDeleted = isNotFoundError(error);
  // The last step of a rotation deletes the credential. The page stays, because the dialog then shows the result.
  if (isDeleted && !(isReplacing(dialog) && data !== undefined)) return <CredentialNotFound kind={kind} id={id} />;
  if (data === undefined) {
    return (
      <Page title={kind.title}>
        {error === null ? <BlockSkeleton height={420} /> : <ErrorState error={error} retry={() => void refetch()} />}
      </Page>
    );
  }
  return (
    <Stack gap="md">
      <BackLink to={kind.path}>{kind.title}</BackLink>
      <CredentialContent credential={data} onOpen={(name, suggestion = {}) => setDialog({ name, suggestion })} />
      <CredentialPageDialogs credential={data} dialog={dialog} isDeleted={isDeleted} onClose={() => setDialog(null)} />
    </Stack>
  );
}
