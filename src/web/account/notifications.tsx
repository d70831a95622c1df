import { NativeSelect, SimpleGrid } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { NOTICE_KINDS, NOTIFICATION_MODES, type NotificationMode } from '../../contract/event-names.ts';
import type { Notifications } from '../../contract/notifications.ts';
import { queryClient } from '../api.ts';
import { Notice } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { Section } from '../components/section.tsx';
import { QueryContent } from '../components/states.tsx';
import { CurrentWorkspace, useSecondFactorNeeded, useWorkspace, useWorkspaceOrNull } from '../session.ts';
import { strings } from './strings.ts';

const texts = strings.notifications;
const MODES = NOTIFICATION_MODES.map((value) => ({ value, label: texts.modes[value] }));

/** The mode of each kind of notice. A change is saved immediately. */
function NotificationFields({ settings }: { readonly settings: Notifications }) {
  const { api, workspace } = useWorkspace();
  const save = useMutation({
    mutationFn: (kinds: Partial<Notifications['kinds']>) => api.notifications.update({ kinds }),
    onSuccess(saved) {
      queryClient.setQueryData([workspace.id, 'notifications'], saved);
      notifications.show({ message: texts.saved });
    },
    onError: notifyError,
  });
  return (
    <>
      {!settings.mail && <Notice tone="warning">{texts.noMail}</Notice>}
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {NOTICE_KINDS.map((kind) => (
          <NativeSelect
            key={kind}
            label={texts.kinds[kind]}
            data={MODES}
            value={settings.kinds[kind]}
            disabled={save.isPending}
            onChange={(event) => save.mutate({ [kind]: event.currentTarget.value as NotificationMode })}
          />
        ))}
      </SimpleGrid>
    </>
  );
}

function WorkspaceNotifications() {
  const { api, workspace, isAdmin } = useWorkspace();
  const query = useQuery({
    queryKey: [workspace.id, 'notifications'],
    queryFn: ({ signal }) => api.notifications.get({ signal }),
    enabled: isAdmin,
  });
  if (!isAdmin) return null;
  return (
    <Section title={texts.title} description={texts.description(workspace.name)}>
      <QueryContent query={query}>{(settings) => <NotificationFields settings={settings} />}</QueryContent>
    </Section>
  );
}

/** The email notifications of an owner or admin about the workspace of the tab. */
export function NotificationsSection() {
  const workspace = useWorkspaceOrNull();
  const isSecondFactorNeeded = useSecondFactorNeeded(workspace?.id);
  if (workspace === null || isSecondFactorNeeded) return null;
  return (
    <CurrentWorkspace value={workspace}>
      <WorkspaceNotifications />
    </CurrentWorkspace>
  );
}
