import { List, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { LIMITS } from '../../contract/limits.ts';
import type { PolicyDryRun } from '../../contract/policy.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { formatDate, shortenName } from '../components/format.ts';
import { TextLink } from '../components/link.tsx';
import { Notice } from '../components/notice.tsx';
import { DimmedText, dimmed } from '../components/text.tsx';
import { RuleTags } from './rule-tags.tsx';
import { strings } from './strings.ts';

/** Returns how many credentials and members would violate the policy, in words. */
function summarize({ credentials, members }: PolicyDryRun): string {
  const texts = strings.dryRunDialog;
  const max = LIMITS.countedTotal;
  if (members.total === 0) return credentials.total === 0 ? texts.nothing : texts.credentials(credentials.total, max);
  if (credentials.total === 0) return texts.members(members.total, max);
  return texts.credentialsAndMembers(credentials.total, members.total, max);
}

interface ViolationListProps {
  readonly title: string;
  readonly consequence: string;
  /** Null if there are more than `LIMITS.countedTotal`. */
  readonly total: number | null;
  readonly items: readonly { readonly id: string; readonly content: ReactNode }[];
}

function ViolationList({ title, consequence, total, items }: ViolationListProps) {
  if (items.length === 0) return null;
  const isComplete = total === items.length;
  return (
    <Stack gap={4}>
      <Text fz="sm" fw={600} component="h3">
        {title}
      </Text>
      <DimmedText>{consequence}</DimmedText>
      <List fz="sm" spacing={6} aria-label={title} styles={{ itemWrapper: { display: 'inline' } }}>
        {items.map(({ id, content }) => (
          <List.Item key={id}>{content}</List.Item>
        ))}
        {!isComplete && (
          <List.Item>{dimmed(strings.dryRunDialog.more(total === null ? null : total - items.length))}</List.Item>
        )}
      </List>
    </Stack>
  );
}

interface DryRunDialogProps {
  readonly dryRun: PolicyDryRun;
  readonly onClose: () => void;
  readonly onConfirm: () => Promise<unknown>;
}

/** Lists the credentials and members that would violate a policy, and asks whether to save the policy. */
export function DryRunDialog({ dryRun, onClose, onConfirm }: DryRunDialogProps) {
  const { credentials, members } = dryRun;
  const isViolated = credentials.total !== 0 || members.total !== 0;
  const texts = strings.dryRunDialog;
  return (
    <ConfirmDialog
      onClose={onClose}
      title={texts.title}
      confirmLabel={texts.save}
      isDestructive={false}
      onConfirm={onConfirm}
    >
      <Notice tone={isViolated ? 'warning' : 'success'}>{summarize(dryRun)}</Notice>
      <ViolationList
        title={texts.credentialsTitle}
        consequence={texts.credentialsKeepWorking}
        total={credentials.total}
        items={credentials.data.map(({ id, kind, name, rules, expiresAt }) => ({
          id,
          content: (
            <>
              <TextLink
                to={kind === 'access_token' ? '/settings/access-tokens/$id' : '/settings/api-keys/$id'}
                params={{ id }}
              >
                <bdi>{shortenName(name)}</bdi>
              </TextLink>{' '}
              {expiresAt !== null && dimmed(texts.expires(formatDate(expiresAt)))}
              <RuleTags rules={rules} />
            </>
          ),
        }))}
      />
      <ViolationList
        title={texts.membersTitle}
        consequence={texts.membersLoseAccess}
        total={members.total}
        items={members.data.map(({ id, name, email }) => ({
          id,
          content: (
            <>
              <TextLink to="/settings/members">
                <bdi>{name}</bdi>
              </TextLink>{' '}
              {dimmed(email)}
            </>
          ),
        }))}
      />
    </ConfirmDialog>
  );
}
