import { Text } from '@mantine/core';
import { isControlVariable } from '../../contract/control-variables.ts';
import { useCopy } from '../components/clipboard.ts';
import { IconAction } from '../components/icon-action.tsx';
import { IconArrowBackUp, IconCheck, IconCopy, IconEdit, IconEye, IconEyeOff, IconTrash } from '../components/icons.ts';
import { IS_APPLE } from '../components/keyboard.ts';
import { TextLink } from '../components/link.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import styles from './environment.module.css';
import type { VariableChange } from './environment-draft.ts';
import { ChangeTag, MASK } from './review-dialog.tsx';
import { strings } from './strings.ts';

function CopyValueButton({ name, value }: { readonly name: string; readonly value: string }) {
  const { state, copy } = useCopy(value);
  const label = {
    idle: strings.variableRow.copy(name),
    copied: strings.variableRow.copied(name),
    failed: IS_APPLE ? strings.variableRow.copyFailedApple : strings.variableRow.copyFailed,
  }[state];
  return <IconAction label={label} Icon={state === 'copied' ? IconCheck : IconCopy} onClick={copy} />;
}

/** The exact value, or a mask while it is hidden. A long value can be scrolled, also by keyboard. */
function VariableValue({ value }: { readonly value: string | undefined }) {
  const shownValue = value === '' ? <i>{strings.variableRow.empty}</i> : value;
  const isLong = value !== undefined && (value.length > 400 || value.split('\n').length > 6);
  return (
    <pre className={`mono ${styles['value']}`} {...(isLong && { tabIndex: 0 })}>
      {value === undefined ? MASK : shownValue}
    </pre>
  );
}

interface VariableRowProps {
  readonly name: string;
  /** The time of the last change; null for a variable that is new in the draft. */
  readonly updatedAt: string | null;
  /** The value in the draft or, if it was revealed, the saved value. */
  readonly value: string | undefined;
  /** The kind of change in the draft; null if the draft does not change the variable. */
  readonly change: VariableChange['kind'] | null;
  /** The project from which the app inherits the variable; null for a variable of the app or project itself. */
  readonly inheritedFrom: { readonly id: string; readonly name: string } | null;
  readonly isRevealing: boolean;
  /** Omitted for members, who see only the names. */
  readonly onReveal?: (() => void) | undefined;
  readonly onHide: () => void;
  /** Omitted if the user cannot change the variable. */
  readonly edit?:
    | { readonly onEdit: () => void; readonly onRemove: () => void; readonly onUndo: () => void }
    | undefined;
}

/** A variable with its masked or revealed value and its change in the draft. */
export function VariableRow(props: VariableRowProps) {
  const { name, updatedAt, value, change, inheritedFrom, isRevealing, onReveal, onHide, edit } = props;
  const isInherited = inheritedFrom !== null && change === null;
  return (
    <li className={styles['row']} {...(change !== null && { 'data-kind': change })}>
      <div className={styles['name']}>
        <span className="mono">{name}</span> {change !== null && <ChangeTag kind={change} />}
        {isControlVariable(name) && (
          <Text fz="xs" c="dimmed">
            {strings.variableRow.envOnly}
          </Text>
        )}
        {inheritedFrom !== null && (
          <Text fz="xs" c="dimmed">
            {strings.variableRow.fromProject(
              <TextLink to="/projects/$project" params={{ project: inheritedFrom.id }}>
                {inheritedFrom.name}
              </TextLink>,
            )}
          </Text>
        )}
      </div>
      <VariableValue value={value} />
      <div className={styles['time']}>
        {updatedAt === null ? strings.variableRow.notSaved : <RelativeTime time={updatedAt} />}
      </div>
      <div className={styles['actions']}>
        {value !== undefined && <CopyValueButton name={name} value={value} />}
        {change === null &&
          onReveal !== undefined &&
          (value === undefined ? (
            <IconAction
              label={strings.variableRow.reveal(name)}
              Icon={IconEye}
              loading={isRevealing}
              onClick={onReveal}
            />
          ) : (
            <IconAction label={strings.variableRow.hide(name)} Icon={IconEyeOff} onClick={onHide} />
          ))}
        {edit !== undefined && change !== 'removed' && (
          <IconAction
            label={isInherited ? strings.variableRow.override(name) : strings.variableRow.edit(name)}
            Icon={IconEdit}
            onClick={edit.onEdit}
          />
        )}
        {edit !== undefined && change === null && !isInherited && (
          <IconAction label={strings.variableRow.remove(name)} Icon={IconTrash} onClick={edit.onRemove} />
        )}
        {edit !== undefined && change !== null && (
          <IconAction label={strings.variableRow.undoChangeTo(name)} Icon={IconArrowBackUp} onClick={edit.onUndo} />
        )}
      </div>
    </li>
  );
}
