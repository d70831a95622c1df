import { Button, Group, Stack, Switch, Text } from '@mantine/core';
import { useState } from 'react';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { isConflict } from '../components/form.tsx';
import { Notice, Tag, type Tone } from '../components/notice.tsx';
import styles from './environment.module.css';
import type { VariableChange } from './environment-draft.ts';
import { strings } from './strings.ts';

const CHANGE_LABELS: Readonly<Record<VariableChange['kind'], { readonly label: string; readonly tone: Tone }>> = {
  added: { label: strings.reviewDialog.kinds.added, tone: 'success' },
  overridden: { label: strings.reviewDialog.kinds.overridden, tone: 'warning' },
  changed: { label: strings.reviewDialog.kinds.changed, tone: 'warning' },
  removed: { label: strings.reviewDialog.kinds.removed, tone: 'danger' },
};

/** Shown instead of a hidden value. */
export const MASK = '••••••••';

function DiffValue({
  sign,
  value,
  isShown,
}: {
  readonly sign: '−' | '+';
  readonly value: string | undefined;
  readonly isShown: boolean;
}) {
  const shownValue = value === '' ? <i>{strings.reviewDialog.empty}</i> : value;
  return (
    <div className={sign === '+' ? styles['after'] : styles['before']}>
      <span aria-hidden>{sign} </span>
      <span className="visually-hidden">{sign === '+' ? strings.reviewDialog.after : strings.reviewDialog.before}</span>
      {isShown && value !== undefined ? shownValue : MASK}
    </div>
  );
}

/** The label and color of a change. */
export const ChangeTag = ({ kind }: { readonly kind: VariableChange['kind'] }) => (
  <Tag tone={CHANGE_LABELS[kind].tone}>{CHANGE_LABELS[kind].label}</Tag>
);

interface ReviewDialogProps {
  readonly changes: readonly VariableChange[];
  readonly onClose: () => void;
  /**
   * Saves the changes. After a conflict, it reads the current version, sets `namesChangedByOthers` and rejects.
   */
  readonly onSave: () => Promise<void>;
  /** The names of the variables that someone else changed since the page was loaded; null if there is no conflict. */
  readonly namesChangedByOthers: readonly string[] | null;
}

/** Shows the unsaved changes, one per variable, before they are saved. */
export function ReviewDialog({ changes, onClose, onSave, namesChangedByOthers }: ReviewDialogProps) {
  const [areValuesShown, setAreValuesShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  async function save() {
    setBusy(true);
    setError(null);
    try {
      await onSave();
      onClose();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  }

  const conflictingNames = changes
    .filter(({ name }) => namesChangedByOthers?.includes(name) === true)
    .map(({ name }) => name);
  return (
    <Dialog onClose={onClose} title={strings.reviewDialog.title} size="xl">
      <Stack gap="md">
        <Switch
          label={strings.reviewDialog.showValues}
          checked={areValuesShown}
          onChange={(event) => setAreValuesShown(event.currentTarget.checked)}
          data-autofocus
        />
        <ul className={styles['diff']} aria-label={strings.reviewDialog.changes}>
          {changes.map(({ name, kind, before, after }) => (
            <li key={name}>
              <Group gap="sm" mb={4}>
                <span className={`mono ${styles['name']}`}>{name}</span>
                <ChangeTag kind={kind} />
              </Group>
              {kind !== 'added' && <DiffValue sign="−" value={before} isShown={areValuesShown} />}
              {after !== null && <DiffValue sign="+" value={after} isShown={areValuesShown} />}
            </li>
          ))}
        </ul>
        {areValuesShown && changes.some(({ kind, before }) => kind !== 'added' && before === undefined) && (
          <Text fz="xs" c="dimmed">
            {strings.reviewDialog.hiddenValuesStayHidden}
          </Text>
        )}
        {namesChangedByOthers !== null && (
          <Notice tone="warning">
            <span role="alert">
              {strings.reviewDialog.conflict(namesChangedByOthers.join(', '), conflictingNames.join(', '))}
            </span>
          </Notice>
        )}
        {error !== null && !(isConflict(error) && namesChangedByOthers !== null) && <ErrorNotice error={error} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {strings.reviewDialog.back}
          </Button>
          <Button loading={busy} disabled={changes.length === 0} onClick={() => void save()}>
            {namesChangedByOthers === null ? strings.reviewDialog.save(changes.length) : strings.reviewDialog.saveAgain}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
