import { Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { SSO_LIMITS } from '../../contract/limits.ts';
import { ASSIGNABLE_ROLES, type AssignableRole } from '../../contract/vocabulary.ts';
import type { GroupRoles } from '../../contract/workspaces.ts';
import { api, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { IconAction } from '../components/icon-action.tsx';
import { IconPlus, IconTrash } from '../components/icons.ts';
import { Section } from '../components/section.tsx';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useWorkspace, workspacesQuery } from '../session.ts';
import { singleSignOnName } from '../sign-in/installation.ts';
import { strings } from './strings.ts';

interface GroupRow {
  /** The group, as it is named in the provider's claim. */
  readonly value: string;
  readonly role: AssignableRole;
}

const EMPTY_ROW: GroupRow = { value: '', role: 'member' };
const ROLE_OPTIONS = ASSIGNABLE_ROLES.toReversed().map((role) => ({
  value: role,
  label: strings.groupRoles.roles[role],
}));

const toRows = (roles: GroupRoles['roles']): GroupRow[] =>
  Object.entries(roles).map(([value, role]) => ({ value, role }));

function validateValue(value: string, rows: readonly GroupRow[]): string | null {
  if (value.trim() === '') return strings.groupRoles.valueMissing;
  const isDuplicate = rows.filter((row) => row.value.trim() === value.trim()).length > 1;
  return isDuplicate ? strings.groupRoles.valueDuplicate : null;
}

async function saveGroupRoles(workspaceId: string, sso: GroupRoles | null, message: string): Promise<void> {
  await api.workspaces.update(workspaceId, { sso });
  await queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey });
  notifications.show({ message });
}

function GroupRolesForm({ onRemove }: { readonly onRemove: () => void }) {
  const { workspace } = useWorkspace();
  const { sso } = workspace;
  const form = useAppForm({
    initialValues: { claim: sso?.claim ?? 'groups', rows: sso === null ? [EMPTY_ROW] : toRows(sso.roles) },
    validate: {
      claim: (claim) => (/^[\x21-\x7e]+$/.test(claim.trim()) ? null : strings.groupRoles.claimInvalid),
      rows: { value: (value, { rows }) => validateValue(value, rows) },
    },
  });
  const { rows } = form.values;
  const saving = useSubmit(form, async (values) => {
    const roles = Object.fromEntries(values.rows.map(({ value, role }) => [value.trim(), role]));
    await saveGroupRoles(workspace.id, { claim: values.claim.trim(), roles }, strings.groupRoles.saved);
  });
  return (
    <Form onSubmit={form.onSubmit(saving.submit)}>
      <TextInput
        label={strings.groupRoles.claim}
        description={strings.groupRoles.claimDescription}
        placeholder={strings.groupRoles.claimPlaceholder}
        spellCheck={false}
        {...form.getInputProps('claim')}
      />
      {rows.map((_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows have no IDs, and the form identifies them by position
        <Group key={index} gap="sm" align="flex-start" wrap="nowrap">
          <TextInput
            label={strings.groupRoles.value}
            flex={1}
            spellCheck={false}
            {...form.getInputProps(`rows.${index}.value`)}
          />
          <NativeSelect
            label={strings.groupRoles.role}
            data={ROLE_OPTIONS}
            {...form.getInputProps(`rows.${index}.role`)}
          />
          {rows.length > 1 && (
            <Group mt={26}>
              <IconAction
                label={strings.groupRoles.removeGroup(index + 1)}
                Icon={IconTrash}
                onClick={() => form.removeListItem('rows', index)}
              />
            </Group>
          )}
        </Group>
      ))}
      <Group gap="sm">
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          disabled={rows.length >= SSO_LIMITS.values.max}
          onClick={() => form.insertListItem('rows', EMPTY_ROW)}
        >
          {strings.groupRoles.addGroup}
        </Button>
        {sso !== null && (
          <Button variant="subtle" onClick={onRemove}>
            {strings.groupRoles.remove}
          </Button>
        )}
      </Group>
      <FormFooter saving={saving} submitLabel={strings.groupRoles.save} disabled={sso !== null && !form.isDirty()} />
    </Form>
  );
}

function GroupList({ sso }: { readonly sso: GroupRoles | null }) {
  return (
    <Stack gap={4}>
      {sso === null && <DimmedText>{strings.groupRoles.none}</DimmedText>}
      {toRows(sso?.roles ?? {}).map(({ value, role }) => (
        <div key={value}>{strings.groupRoles.mapping(<b>{value}</b>, strings.groupRoles.roles[role])}</div>
      ))}
      <DimmedText>{strings.groupRoles.ownerOnly}</DimmedText>
    </Stack>
  );
}

/**
 * The groups of the single sign-on provider that grant a role in the workspace. Admins can view them; the owner can
 * change them.
 */
export function GroupRolesSection() {
  const { workspace, isOwner } = useWorkspace();
  const [isOpen, setIsOpen] = useState(workspace.sso !== null);
  const [isRemoving, setIsRemoving] = useState(false);
  return (
    <Section
      title={strings.groupRoles.title}
      description={strings.groupRoles.description(singleSignOnName() ?? '')}
      actions={
        isOwner &&
        !isOpen && (
          <Button variant="default" onClick={() => setIsOpen(true)}>
            {strings.groupRoles.setUp}
          </Button>
        )
      }
    >
      {!isOwner && <GroupList sso={workspace.sso} />}
      {isOwner && isOpen && <GroupRolesForm onRemove={() => setIsRemoving(true)} />}
      {isRemoving && (
        <ConfirmDialog
          onClose={() => setIsRemoving(false)}
          title={strings.groupRoles.remove}
          confirmLabel={strings.groupRoles.remove}
          onConfirm={() => saveGroupRoles(workspace.id, null, strings.groupRoles.removed)}
        >
          <Text fz="sm">{strings.groupRoles.removeConsequences}</Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}
