import { Button, Group, NativeSelect, PasswordInput, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import type { CommitStatus } from '../../contract/commit-status.ts';
import {
  apiUrlOf,
  COMMIT_STATUS_APIS,
  type CommitStatusApi,
  commitStatusApiOf,
  hostedRepositoryOf,
} from '../../contract/git-hosts.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { PlainTextInput } from '../components/fields.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './form-strings.ts';

const texts = strings.commitStatus;

interface CommitStatusProps {
  readonly app: App;
  readonly status: CommitStatus;
  readonly onChanged: () => Promise<void>;
}

function CommitStatusDialog({ app, status, onChanged, onClose }: CommitStatusProps & { readonly onClose: () => void }) {
  const { api } = useWorkspace();
  const [isVisible, setIsVisible] = useState(false);
  const repository = hostedRepositoryOf(app.repository);
  const defaultUrlOf = (kind: CommitStatusApi) => (repository === null ? '' : apiUrlOf(repository, kind));
  // An unknown host can run GitLab, Gitea or Forgejo; the user chooses.
  const kind = status.kind ?? commitStatusApiOf(repository?.host ?? '') ?? 'gitea';
  const form = useAppForm({
    initialValues: { kind, url: status.url ?? defaultUrlOf(kind), token: '' },
    validate: { token: (token) => (token.trim() === '' ? texts.tokenMissing : null) },
  });
  const saving = useSubmit(form, async (values) => {
    await api.apps.commitStatus.set(app.id, { kind: values.kind, url: values.url.trim(), token: values.token.trim() });
    await onChanged();
    notifications.show({ message: texts.saved });
    onClose();
  });
  return (
    <Dialog onClose={onClose} title={texts.dialogTitle}>
      <Form onSubmit={form.onSubmit(saving.submit)}>
        <NativeSelect
          label={texts.kind}
          data={COMMIT_STATUS_APIS.map((value) => ({ value, label: texts.kinds[value] }))}
          value={form.values.kind}
          onChange={({ currentTarget: { value } }) => {
            const selectedKind = COMMIT_STATUS_APIS.find((api) => api === value) ?? kind;
            form.setValues({ kind: selectedKind, url: defaultUrlOf(selectedKind) });
          }}
        />
        <PlainTextInput label={texts.url} description={texts.urlDescription} {...form.getInputProps('url')} />
        <PasswordInput
          label={texts.token}
          description={texts.tokenDescriptions[form.values.kind]}
          autoComplete="new-password"
          visible={isVisible}
          onVisibilityChange={setIsVisible}
          visibilityToggleButtonProps={{ 'aria-label': isVisible ? texts.hideToken : texts.showToken }}
          {...form.getInputProps('token')}
        />
        <FormFooter saving={saving} submitLabel={texts.save} onCancel={onClose} />
      </Form>
    </Dialog>
  );
}

function CommitStatusSettings({ app, status, onChanged }: CommitStatusProps) {
  const { api } = useWorkspace();
  const [dialog, setDialog] = useState<'set' | 'remove' | null>(null);
  const close = () => setDialog(null);
  return (
    <>
      {status.kind !== null && (
        <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
          {texts.reportedTo(texts.kinds[status.kind], <span className="mono">{status.url}</span>)}
        </Text>
      )}
      {status.error !== null && <Notice tone="danger">{texts.lastError(status.error)}</Notice>}
      <Group>
        <Button variant="default" onClick={() => setDialog('set')}>
          {status.kind === null ? texts.setUp : texts.change}
        </Button>
        {status.kind !== null && (
          <Button variant="default" onClick={() => setDialog('remove')}>
            {texts.remove}
          </Button>
        )}
      </Group>
      {dialog === 'set' && <CommitStatusDialog app={app} status={status} onChanged={onChanged} onClose={close} />}
      {dialog === 'remove' && (
        <ConfirmDialog
          title={texts.removeTitle}
          confirmLabel={texts.removeConfirm}
          onClose={close}
          onConfirm={async () => {
            await api.apps.commitStatus.delete(app.id);
            await onChanged();
            notifications.show({ message: texts.removed });
          }}
        >
          <Text fz="sm">{texts.removeConsequence}</Text>
        </ConfirmDialog>
      )}
    </>
  );
}

/** Sets up the reporting of deployments to the Git host as commit statuses. For owners and admins. */
export function CommitStatusSection({ app }: { readonly app: App }) {
  const { api, workspace } = useWorkspace();
  const isHosted = hostedRepositoryOf(app.repository) !== null;
  const queryKey = [workspace.id, 'apps', app.id, 'commit-status'];
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => api.apps.commitStatus.get(app.id, { signal }),
    enabled: isHosted,
  });
  if (!isHosted) return null;
  return (
    <Section title={texts.title} description={texts.description}>
      {query.error !== null && <ErrorNotice error={query.error} />}
      {query.data !== undefined && (
        <CommitStatusSettings
          app={app}
          status={query.data}
          onChanged={() => queryClient.invalidateQueries({ queryKey })}
        />
      )}
    </Section>
  );
}
