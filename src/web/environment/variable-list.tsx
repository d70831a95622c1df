import { Button, Group, Menu, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ENV_FILE_FORMATS, type EnvFileFormat } from '../../contract/platform-vocabulary.ts';
import actionBarStyles from '../components/action-bar.module.css';
import { download } from '../components/download.ts';
import { ExportMenu } from '../components/export-menu.tsx';
import { IconEye, IconEyeOff, IconPlus, IconSearch, IconUpload, IconVariable } from '../components/icons.ts';
import { NavigationBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { EmptyState, QueryContent, TableSkeleton } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import styles from './environment.module.css';
import {
  type EnvironmentOwner,
  type RevealedValues,
  useEnvironment,
  useEnvironmentClient,
  useRevealedValues,
} from './environment-queries.ts';
import { EnvironmentVersions } from './environment-versions.tsx';
import { ImportDialog } from './import-dialog.tsx';
import { ReviewDialog } from './review-dialog.tsx';
import { strings } from './strings.ts';
import { type EnvironmentDraft, type EnvironmentDraftOptions, useEnvironmentDraft } from './use-environment-draft.ts';
import { VariableDialog } from './variable-dialog.tsx';
import { VariableRow } from './variable-row.tsx';

type OpenDialog = { readonly action: 'add' | 'import' | 'review' } | { readonly action: 'edit'; readonly name: string };

function EnvironmentExport({ owner }: { readonly owner: EnvironmentOwner }) {
  const client = useEnvironmentClient(owner);
  const exportFile = useMutation({
    mutationFn: async (format: EnvFileFormat) => {
      const text = await client.dotenv(owner.id, {}, format);
      download(
        format === 'dotenv' ? `${owner.slug}.env` : `${owner.slug}.${format}.env`,
        new Blob([text], { type: 'text/plain' }),
      );
    },
    onError: notifyError,
  });
  return (
    <ExportMenu busy={exportFile.isPending} label={strings.variableList.downloadNotice}>
      {ENV_FILE_FORMATS.map((format) => (
        <Menu.Item key={format} onClick={() => exportFile.mutate(format)}>
          {strings.variableList.downloadAs[format]}
        </Menu.Item>
      ))}
    </ExportMenu>
  );
}

interface RevealAllButtonProps {
  readonly revealed: RevealedValues;
  readonly disabled: boolean;
}

function RevealAllButton({ revealed, disabled }: RevealAllButtonProps) {
  return revealed.values.size === 0 ? (
    <Button
      variant="default"
      leftSection={<IconEye size={16} />}
      loading={revealed.isRevealingAll}
      disabled={disabled}
      onClick={revealed.revealAll}
    >
      {strings.variableList.revealAll}
    </Button>
  ) : (
    <Button variant="default" leftSection={<IconEyeOff size={16} />} onClick={revealed.hideAll}>
      {strings.variableList.hideAll}
    </Button>
  );
}

interface UnsavedChangesBarProps {
  readonly count: number;
  readonly onDiscard: () => void;
  readonly onReview: () => void;
}

function UnsavedChangesBar({ count, onDiscard, onReview }: UnsavedChangesBarProps) {
  return (
    <section className={actionBarStyles['bar']} aria-label={strings.variableList.unsavedChangesLabel}>
      <Text fz="sm" fw={550} role="status">
        {strings.variableList.unsavedChanges(count)}
      </Text>
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={onDiscard}>
          {strings.variableList.discard}
        </Button>
        <Button size="xs" onClick={onReview}>
          {strings.variableList.reviewAndSave}
        </Button>
      </Group>
    </section>
  );
}

interface SearchFieldProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
}

function SearchField({ text, onChange }: SearchFieldProps) {
  return (
    <TextInput
      type="search"
      aria-label={strings.variableList.searchVariablesByName}
      placeholder={strings.variableList.searchByNamePlaceholder}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
      flex="1 1 180px"
      maw={320}
    />
  );
}

interface DialogOpenerProps {
  readonly onOpen: (dialog: OpenDialog) => void;
}

function AddButton({ onOpen }: DialogOpenerProps) {
  return (
    <Button leftSection={<IconPlus size={16} />} onClick={() => onOpen({ action: 'add' })}>
      {strings.variableList.addVariable}
    </Button>
  );
}

function ImportButton({ onOpen }: DialogOpenerProps) {
  return (
    <Button variant="default" leftSection={<IconUpload size={16} />} onClick={() => onOpen({ action: 'import' })}>
      {strings.variableList.import}
    </Button>
  );
}

interface VariablesProps extends DialogOpenerProps {
  readonly owner: EnvironmentOwner;
  readonly draft: EnvironmentDraft;
  readonly revealed: RevealedValues;
}

function NoVariables({ owner, onOpen }: Pick<VariablesProps, 'owner' | 'onOpen'>) {
  const { isAdmin } = useWorkspace();
  return (
    <EmptyState
      icon={<IconVariable size={26} />}
      title={strings.variableList.noVariablesYetTitle}
      action={
        isAdmin && (
          <>
            <AddButton onOpen={onOpen} />
            <ImportButton onOpen={onOpen} />
          </>
        )
      }
    >
      <DimmedText>
        {isAdmin ? strings.variableList.noVariablesHint[owner.kind] : strings.variableList.askToSet}
      </DimmedText>
    </EmptyState>
  );
}

/** The search field, the buttons, and a row per variable. */
function Variables({ owner, draft, revealed, onOpen }: VariablesProps) {
  const { isAdmin } = useWorkspace();
  const [searchText, setSearchText] = useState('');
  const changeKinds = new Map(draft.changes.map(({ name, kind }) => [name, kind]));
  const visibleNames = draft.allNames.filter((name) => name.toLowerCase().includes(searchText.trim().toLowerCase()));
  const editActions = (name: string) => ({
    onEdit: () => onOpen({ action: 'edit', name }),
    onRemove: () => draft.remove(name),
    onUndo: () => draft.undoChange(name),
  });
  return (
    <>
      <Group justify="space-between" gap="xs">
        <SearchField text={searchText} onChange={setSearchText} />
        {isAdmin && (
          <Group gap="xs">
            <RevealAllButton revealed={revealed} disabled={draft.updatedAtByName.size === 0} />
            <EnvironmentExport owner={owner} />
            <ImportButton onOpen={onOpen} />
            <AddButton onOpen={onOpen} />
          </Group>
        )}
      </Group>
      <DimmedText>
        {isAdmin ? strings.variableList.valuesAreHidden : strings.variableList.onlyAdminsCanReveal}
      </DimmedText>
      <ul className={styles['rows']} aria-label={strings.variableList.variables}>
        {visibleNames.map((name) => (
          <VariableRow
            key={name}
            name={name}
            updatedAt={draft.updatedAtByName.get(name) ?? null}
            value={draft.getValue(name)}
            change={changeKinds.get(name) ?? null}
            inheritedFrom={draft.inheritedNames.has(name) ? (owner.project ?? null) : null}
            isRevealing={revealed.isRevealing(name)}
            onReveal={isAdmin ? () => revealed.reveal(name) : undefined}
            onHide={() => revealed.hide([name])}
            edit={isAdmin ? editActions(name) : undefined}
          />
        ))}
      </ul>
      {visibleNames.length === 0 && <DimmedText role="status">{strings.variableList.noVariablesMatch}</DimmedText>}
    </>
  );
}

interface EnvironmentDialogsProps {
  readonly dialog: OpenDialog | null;
  readonly draft: EnvironmentDraft;
  readonly onClose: () => void;
}

function EnvironmentDialogs({ dialog, draft, onClose }: EnvironmentDialogsProps) {
  if (dialog === null) return null;
  if (dialog.action === 'import') {
    return <ImportDialog ownNames={draft.ownNames} onClose={onClose} onDone={draft.importFile} />;
  }
  if (dialog.action === 'review') {
    return (
      <ReviewDialog
        changes={draft.changes}
        namesChangedByOthers={draft.namesChangedByOthers}
        onClose={onClose}
        onSave={draft.save}
      />
    );
  }
  const editedName = dialog.action === 'edit' ? dialog.name : null;
  return (
    <VariableDialog
      name={editedName}
      value={editedName === null ? undefined : draft.getValue(editedName)}
      existingNames={new Set(draft.allNames)}
      onClose={onClose}
      onDone={draft.setValue}
    />
  );
}

type LoadedVariableListProps = Omit<EnvironmentDraftOptions, 'revealed'>;

function LoadedVariableList({ owner, loaded, reload }: LoadedVariableListProps) {
  const revealed = useRevealedValues(owner);
  const draft = useEnvironmentDraft({ owner, loaded, reload, revealed });
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const missingNames = (owner.requiredNames ?? []).filter((name) => !draft.updatedAtByName.has(name));
  const changeCount = draft.changes.length;
  return (
    <Stack gap="md">
      <NavigationBlocker when={changeCount > 0} />
      {missingNames.length > 0 && (
        <Notice tone="warning">{strings.variableList.requiredMissing(missingNames.join(', '))}</Notice>
      )}
      {draft.allNames.length === 0 ? (
        <NoVariables owner={owner} onOpen={setDialog} />
      ) : (
        <Variables owner={owner} draft={draft} revealed={revealed} onOpen={setDialog} />
      )}
      {changeCount > 0 && (
        <UnsavedChangesBar
          count={changeCount}
          onDiscard={draft.discard}
          onReview={() => setDialog({ action: 'review' })}
        />
      )}
      <EnvironmentVersions owner={owner} etag={loaded.tag} />
      <EnvironmentDialogs dialog={dialog} draft={draft} onClose={() => setDialog(null)} />
    </Stack>
  );
}

/** The variables of an app or a project: values that can be revealed, a draft of changes, and the versions. */
export function VariableList({ owner }: { readonly owner: EnvironmentOwner }) {
  const query = useEnvironment(owner);
  return (
    <QueryContent query={query} placeholder={<TableSkeleton rows={5} />}>
      {(loaded) => (
        <LoadedVariableList owner={owner} loaded={loaded} reload={async () => (await query.refetch()).data} />
      )}
    </QueryContent>
  );
}
