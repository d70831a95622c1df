import { Button, Group, Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { type FormEvent, type ReactNode, useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { getErrorMessage, getFieldErrors } from '../api.ts';
import { ErrorNotice } from './error-message.tsx';
import { strings } from './strings.ts';

export interface Submission<Values> {
  readonly submit: (values: Values) => void;
  readonly busy: boolean;
  /** The error message that belongs to no field; null if there is none. */
  readonly formError: string | null;
  readonly error: unknown;
}

/** Pass as `FormFooter`'s `saving` prop for a form that sends no request. */
export const NO_REQUEST = { busy: false, formError: null, error: null };

/** Submits a form. Errors that name a field are shown at that field; any other error is returned as `formError`. */
export function useSubmit<Values extends Record<string, unknown>>(
  form: UseFormReturnType<Values>,
  send: (values: Values) => Promise<unknown>,
  /** Maps the API's field names to the form's field names where they differ. */
  errorFields: Readonly<Record<string, string>> = {},
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
      form.setErrors(getFieldErrors(thrown, errorFields) ?? {});
    } finally {
      setBusy(false);
    }
  }

  const invalidFields = Object.keys(getFieldErrors(error, errorFields) ?? {});
  const isShownAtFields =
    invalidFields.length > 0 &&
    invalidFields.every((field) => Object.hasOwn(form.values, field.split('.', 1)[0] ?? field));
  return {
    submit: (values) => void submit(values),
    busy,
    error,
    formError: error === null || isShownAtFields ? null : getErrorMessage(error),
  };
}

/**
 * Whether the API returned the error `conflict`. If the request had an If-Match header, someone else changed the
 * resource.
 */
export function isConflict(error: unknown): boolean {
  return error instanceof DevpilotError && error.code === 'conflict';
}

interface FormProps {
  readonly onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  /** The space between the fields, or between the sections of a long form. */
  readonly gap?: 'md' | 'lg';
  readonly children: ReactNode;
}

/** A form whose fields are validated by `useAppForm` instead of the browser. */
export function Form({ onSubmit, gap = 'md', children }: FormProps) {
  return (
    <form
      noValidate
      onSubmit={(event) => {
        // React bubbles the event of a dialog's form to the form that opened the dialog, which must not be submitted.
        event.stopPropagation();
        onSubmit(event);
      }}
    >
      <Stack gap={gap}>{children}</Stack>
    </form>
  );
}

interface FormFooterProps {
  readonly saving: Pick<Submission<never>, 'busy' | 'formError' | 'error'>;
  readonly submitLabel: string;
  readonly onCancel?: (() => void) | undefined;
  readonly cancelLabel?: string;
  readonly disabled?: boolean;
  /** Whether the submit button is as wide as the form. */
  readonly fullWidth?: boolean;
  /** The changes that someone else made during the edit; shown instead of the API's less specific error. */
  readonly conflictNotice?: ReactNode;
  /** Shown before the buttons; describes what submitting the form will do. */
  readonly summary?: ReactNode;
}

/** The footer of a form: the error, a cancel button and the submit button. */
export function FormFooter({
  saving,
  submitLabel,
  onCancel,
  cancelLabel = strings.form.cancel,
  disabled = false,
  fullWidth = false,
  conflictNotice,
  summary,
}: FormFooterProps) {
  const isConflictShown = conflictNotice !== undefined && conflictNotice !== false && isConflict(saving.error);
  return (
    <>
      {conflictNotice}
      {saving.formError !== null && !isConflictShown && <ErrorNotice error={saving.error} message={saving.formError} />}
      <Group justify="flex-end" gap="sm">
        {summary}
        {onCancel !== undefined && (
          <Button variant="default" onClick={onCancel}>
            {cancelLabel}
          </Button>
        )}
        <Button type="submit" loading={saving.busy} disabled={disabled} {...(fullWidth && { flex: 1 })}>
          {submitLabel}
        </Button>
      </Group>
    </>
  );
}
