import { Button, Group, Menu, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { EnvOwnerKind } from '../../contract/platform-vocabulary.ts';
import { ENV_FILE_FORMATS, type EnvFileFormat } from '../../contract/platform-vocabulary.ts';
import { queryClient } from '../api.ts';
import actionBarStyles from '../components/action-bar.module.css';
import { download } from '../components/download.ts';
import { ExportMenu } from '../components/export-menu.tsx';
import { isConflict } from '../components/form.tsx';
import { IconEye, IconEyeOff, IconPlus, IconSearch, IconUpload, IconVariable } from '../components/icons.ts';
import { NavigationBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { EmptyState, ErrorState, TableSkeleton } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import styles from './environment.module.css';
import { type Draft, diffDraft, mergeFile } from './environment-draft.ts';
import {
  type EnvironmentOwner,
  environmentKey,
  useEnvironment,
  useEnvironmentClient,
  useRevealedValues,
} from './environment-queries.ts';
import { EnvironmentVersions } from './environment-versions.tsx';
import { ImportDialog } from './import-dialog.tsx';
import { ReviewDialog } from './review-dialog.tsx';
import { strings } from './strings.ts';
import { VariableDialog } from './variable-dialog.tsx';
import { VariableRow } from './variable-row.tsx';

type OpenDialog = 'add' | 'import' | 'review' | { readonly editedName: string };

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

interface RevealAllProps {
  readonly revealed: ReturnType<typeof useRevealedValues>;
  readonly disabled: boolean;
}

function RevealAll({ revealed, disabled }: RevealAllProps) {
  return revealed.values.size === 0 ? (
    <Button
      variant="default"
      leftSection={<IconEye size={16} />}
      loading={revealed.pending === ''}
      disabled={disabled}
      onClick={() => revealed.reveal()}
    >
      {strings.variableList.revealAll}
    </Button>
  ) : (
    <Button variant="default" leftSection={<IconEyeOff size={16} />} onClick={() => revealed.hide()}>
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

/** The variables of an app or a project: values that can be revealed, a draft of changes, and the versions. */
export function VariableList({ owner }: { readonly owner: EnvironmentOwner }) {
  const { workspace, isAdmin } = useWorkspace();
  const client = useEnvironmentClient(owner);
  const query = useEnvironment(owner);
  const revealed = useRevealedValues(owner);
  const [draft, setDraft] = useState<Draft>(new Map());
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const [searchText, setSearchText] = useState('');
  const [namesChangedByOthers, setNamesChangedByOthers] = useState<readonly string[] | null>(null);
  if (query.data === undefined) {
    return query.error === null ? (
      <TableSkeleton rows={5} />
    ) : (
      <ErrorState error={query.error} retry={() => void query.refetch()} />
    );
  }
  const { value: environment, tag: etag } = query.data;
  const updatedAtByName = new Map(environment.data.map((variable) => [variable.name, variable.updatedAt]));
  const namesFrom = (from: EnvOwnerKind) =>
    new Set(environment.data.filter((variable) => variable.from === from).map(({ name }) => name));
  const names = namesFrom(owner.kind);
  const inheritedNames = owner.kind === 'app' ? namesFrom('project') : new Set<string>();
  const changes = diffDraft(names, inheritedNames, revealed.values, draft);
  const changeKinds = new Map(changes.map(({ name, kind }) => [name, kind]));
  const allNames = [...new Set([...updatedAtByName.keys(), ...changes.map(({ name }) => name)])].sort();
  const visibleNames = allNames.filter((name) => name.toLowerCase().includes(searchText.trim().toLowerCase()));

  const missingNames = (owner.requiredNames ?? []).filter((name) => !updatedAtByName.has(name));

  const setVariable = (name: string, value: string | null) => setDraft((before) => new Map([...before, [name, value]]));
  const undoChange = (name: string) =>
    setDraft((before) => new Map([...before].filter(([otherName]) => otherName !== name)));
  function discard() {
    setDraft(new Map());
    setNamesChangedByOthers(null);
  }

  /** Refetches the variables after a conflict and sets the names of those that someone else changed. */
  async function reloadAfterConflict() {
    const { data: refetched } = await query.refetch();
    if (refetched === undefined) return;
    const newUpdatedAtByName = new Map(refetched.value.data.map((variable) => [variable.name, variable.updatedAt]));
    const changedNames = [...new Set([...updatedAtByName.keys(), ...newUpdatedAtByName.keys()])].filter(
      (name) => newUpdatedAtByName.get(name) !== updatedAtByName.get(name),
    );
    revealed.hide(...changedNames);
    setNamesChangedByOthers(changedNames.sort());
  }

  async function save() {
    try {
      await client.update(owner.id, Object.fromEntries(changes.map(({ name, after }) => [name, after])), {
        ifMatch: etag,
      });
    } catch (error) {
      if (isConflict(error)) await reloadAfterConflict();
      throw error;
    }
    notifications.show({ message: strings.variableList.saved(owner.name) });
    // Without names, `hide` would hide all values.
    if (changes.length > 0) revealed.hide(...changes.map(({ name }) => name));
    discard();
    await queryClient.invalidateQueries({ queryKey: environmentKey(workspace.id) });
  }

  const addButton = isAdmin && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setDialog('add')}>
      {strings.variableList.addVariable}
    </Button>
  );
  const importButton = isAdmin && (
    <Button variant="default" leftSection={<IconUpload size={16} />} onClick={() => setDialog('import')}>
      {strings.variableList.import}
    </Button>
  );
  const editedName = dialog !== null && typeof dialog === 'object' ? dialog.editedName : null;
  return (
    <Stack gap="md">
      <NavigationBlocker when={changes.length > 0} />
      {missingNames.length > 0 && (
        <Notice tone="warning">{strings.variableList.requiredMissing(missingNames.join(', '))}</Notice>
      )}
      {allNames.length === 0 ? (
        <EmptyState
          icon={<IconVariable size={26} />}
          title={strings.variableList.noVariablesYetTitle}
          action={
            <>
              {addButton}
              {importButton}
            </>
          }
        >
          <DimmedText>
            {isAdmin ? strings.variableList.noVariablesHint[owner.kind] : strings.variableList.askToSet}
          </DimmedText>
        </EmptyState>
      ) : (
        <>
          <Group justify="space-between" gap="xs">
            <SearchField text={searchText} onChange={setSearchText} />
            <Group gap="xs">
              {isAdmin && <RevealAll revealed={revealed} disabled={updatedAtByName.size === 0} />}
              {isAdmin && <EnvironmentExport owner={owner} />}
              {importButton}
              {addButton}
            </Group>
          </Group>
          <DimmedText>
            {isAdmin ? strings.variableList.valuesAreHidden : strings.variableList.onlyAdminsCanReveal}
          </DimmedText>
          <ul className={styles['rows']} aria-label={strings.variableList.variables}>
            {visibleNames.map((name) => (
              <VariableRow
                key={name}
                name={name}
                updatedAt={updatedAtByName.get(name) ?? null}
                value={draft.get(name) ?? revealed.values.get(name)}
                change={changeKinds.get(name) ?? null}
                inheritedFrom={inheritedNames.has(name) ? (owner.project ?? null) : null}
                isRevealing={revealed.pending === name}
                onReveal={isAdmin ? () => revealed.reveal(name) : undefined}
                onHide={() => revealed.hide(name)}
                edit={
                  isAdmin
                    ? {
                        onEdit: () => setDialog({ editedName: name }),
                        onRemove: () => setVariable(name, null),
                        onUndo: () => undoChange(name),
                      }
                    : undefined
                }
              />
            ))}
          </ul>
          {visibleNames.length === 0 && <DimmedText role="status">{strings.variableList.noVariablesMatch}</DimmedText>}
        </>
      )}
      {changes.length > 0 && (
        <UnsavedChangesBar count={changes.length} onDiscard={discard} onReview={() => setDialog('review')} />
      )}
      <EnvironmentVersions owner={owner} etag={etag} />
      {(dialog === 'add' || editedName !== null) && (
        <VariableDialog
          name={editedName}
          value={editedName === null ? undefined : (draft.get(editedName) ?? revealed.values.get(editedName))}
          existingNames={new Set(allNames)}
          onClose={() => setDialog(null)}
          onDone={setVariable}
        />
      )}
      {dialog === 'import' && (
        <ImportDialog
          names={names}
          onClose={() => setDialog(null)}
          onDone={(values, options) => setDraft(mergeFile(names, draft, values, options))}
        />
      )}
      {dialog === 'review' && (
        <ReviewDialog
          changes={changes}
          namesChangedByOthers={namesChangedByOthers}
          onClose={() => setDialog(null)}
          onSave={save}
        />
      )}
    </Stack>
  );
}
