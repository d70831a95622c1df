import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Identity } from '../../contract/single-sign-on.ts';
import { api, queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { IconPlus, IconShieldCheck } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { arePasswordsOn, singleSignOnName } from '../sign-in/installation.ts';
import { SingleSignOnProblemNotice } from '../sign-in/single-sign-on.tsx';
import { ReauthenticationForm } from './reauthentication-form.tsx';
import { refetchSessions } from './sessions.tsx';
import { strings } from './strings.ts';

/**
 * The person's linked accounts at the provider, and the time until which a sign-in there counts as reauthentication.
 */
export const singleSignOnQuery = queryOptions({
  queryKey: ['single-sign-on'],
  queryFn: ({ signal }) => api.singleSignOn.get({ signal }),
});

interface LinkDialogProps {
  readonly providerName: string;
  readonly onClose: () => void;
}

function LinkDialog({ providerName, onClose }: LinkDialogProps) {
  return (
    <Dialog onClose={onClose} title={strings.singleSignOn.linkTitle(providerName)}>
      <ReauthenticationForm
        submitLabel={strings.singleSignOn.continue}
        onCancel={onClose}
        onReauthenticated={async (proof) => window.location.assign((await api.singleSignOn.link(proof)).url)}
      >
        {strings.singleSignOn.linkConsequences(providerName)}
      </ReauthenticationForm>
    </Dialog>
  );
}

function UnlinkDialog({ providerName, identity, onClose }: LinkDialogProps & { readonly identity: Identity }) {
  return (
    <Dialog onClose={onClose} title={strings.singleSignOn.unlinkTitle}>
      <ReauthenticationForm
        submitLabel={strings.singleSignOn.unlink}
        isDestructive
        onCancel={onClose}
        onReauthenticated={async (proof) => {
          await api.singleSignOn.unlink(identity.id, proof);
          onClose();
          notifications.show({ message: strings.singleSignOn.unlinked });
          await Promise.all([
            queryClient.invalidateQueries({ queryKey: singleSignOnQuery.queryKey }),
            refetchSessions(),
          ]);
        }}
      >
        {strings.singleSignOn.unlinkConsequences(<b>{identity.email ?? providerName}</b>)}
      </ReauthenticationForm>
    </Dialog>
  );
}

/** The person's linked accounts at the provider. Linking and unlinking one requires reauthentication. */
export function SingleSignOnSection() {
  const providerName = singleSignOnName();
  const { data, error, refetch } = useQuery({ ...singleSignOnQuery, enabled: providerName !== null });
  const [dialog, setDialog] = useState<'link' | Identity | null>(null);
  const close = () => setDialog(null);

  if (providerName === null) return null;
  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <BlockSkeleton height={96} />;
  const { identities } = data;
  return (
    <Section
      title={strings.singleSignOn.title}
      description={strings.singleSignOn.description(providerName)}
      actions={
        <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setDialog('link')}>
          {strings.singleSignOn.link}
        </Button>
      }
    >
      <SingleSignOnProblemNotice />
      {identities.length > 0 && (
        <ItemList label={strings.singleSignOn.title}>
          {identities.map((identity) => (
            <ItemListRow
              key={identity.id}
              icon={<IconShieldCheck size={18} />}
              title={identity.email ?? providerName}
              note={strings.singleSignOn.linkedLastUsed(
                <RelativeTime time={identity.createdAt} withDate />,
                <RelativeTime time={identity.lastUsedAt} withDate />,
              )}
              actions={
                arePasswordsOn() && (
                  <Button
                    variant="default"
                    size="xs"
                    aria-label={strings.singleSignOn.unlinkAccount(identity.email ?? providerName)}
                    onClick={() => setDialog(identity)}
                  >
                    {strings.singleSignOn.unlink}
                  </Button>
                )
              }
            />
          ))}
        </ItemList>
      )}
      {dialog === 'link' && <LinkDialog providerName={providerName} onClose={close} />}
      {dialog !== null && dialog !== 'link' && (
        <UnlinkDialog providerName={providerName} identity={dialog} onClose={close} />
      )}
    </Section>
  );
}
