import { Button, Group } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { type ReactNode, useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { getErrorMessage, getFieldErrors } from '../api.ts';
import { Notice } from './notice.tsx';

export interface Submission<Values> {
  /** For the form's `onSubmit`. */
  readonly submit: (values: Values) => void;
  readonly busy: boolean;
  /** What went wrong that no field says, null where all is well. */
  readonly trouble: string | null;
  readonly error: unknown;
}

/** Sends what a form holds; what the server refuses is shown at the fields it names, the rest as `trouble`. */
export function useSubmit<Values extends Record<string, unknown>>(
  form: UseFormReturnType<Values>,
  send: (values: Values) => Promise<unknown>,
  /** What the server's fields are called in the form, where it differs. */
  fields: Readonly<Record<string, string>> = {},
): Submission<Values> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  async function submit(values: Values) {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await send(values);
    } catch (thrown) {
      setError(thrown);
      form.setErrors(getFieldErrors(thrown, fields) ?? {});
    } finally {
      setBusy(false);
    }
  }

  const invalidFields = Object.keys(getFieldErrors(error, fields) ?? {});
  const isShownAtFields =
    invalidFields.length > 0 &&
    invalidFields.every((field) => Object.hasOwn(form.values, field.split('.', 1)[0] ?? field));
  return {
    submit: (values) => void submit(values),
    busy,
    error,
    trouble: error === null || isShownAtFields ? null : getErrorMessage(error),
  };
}

/** Whether a server's answer says that what is edited was changed meanwhile. */
export function isConflict(error: unknown): boolean {
  return error instanceof DevpilotError && error.code === 'conflict';
}

interface FormFooterProps {
  readonly saving: Pick<Submission<never>, 'busy' | 'trouble' | 'error'>;
  readonly submitLabel: string;
  readonly onCancel?: (() => void) | undefined;
  readonly cancelLabel?: string;
  readonly disabled?: boolean;
  /** What others changed meanwhile, said in the place of the refusal that tells no more. */
  readonly conflictNotice?: ReactNode;
}

/** The end of a form: what went wrong, cancel and the verb. */
export function FormFooter({
  saving,
  submitLabel,
  onCancel,
  cancelLabel = 'Cancel',
  disabled = false,
  conflictNotice,
}: FormFooterProps) {
  const isConflictShown = conflictNotice !== undefined && conflictNotice !== false && isConflict(saving.error);
  return (
    <>
      {conflictNotice}
      {saving.trouble !== null && !isConflictShown && <Notice tone="bad">{saving.trouble}</Notice>}
      <Group justify="flex-end" gap="sm">
        {onCancel !== undefined && (
          <Button variant="default" onClick={onCancel}>
            {cancelLabel}
          </Button>
        )}
        <Button type="submit" loading={saving.busy} disabled={disabled}>
          {submitLabel}
        </Button>
      </Group>
    </>
  );
}
