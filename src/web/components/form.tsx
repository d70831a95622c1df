import { Button, Group } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { type ReactNode, useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { fieldErrorsOf, messageOf } from '../api.ts';
import { Notice } from './notice.tsx';

export interface Submitting<Values> {
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
): Submitting<Values> {
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
      form.setErrors(fieldErrorsOf(thrown, fields) ?? {});
    } finally {
      setBusy(false);
    }
  }

  const problems = Object.keys(fieldErrorsOf(error, fields) ?? {});
  const isAtFields =
    problems.length > 0 && problems.every((field) => Object.hasOwn(form.values, field.split('.', 1)[0] ?? field));
  return {
    submit: (values) => void submit(values),
    busy,
    error,
    trouble: error === null || isAtFields ? null : messageOf(error),
  };
}

/** Whether a server's answer says that what is edited was changed meanwhile. */
export function isConflict(error: unknown): boolean {
  return error instanceof DevpilotError && error.code === 'conflict';
}

interface FormFooterProps {
  readonly saving: Pick<Submitting<never>, 'busy' | 'trouble' | 'error'>;
  readonly submit: string;
  readonly onCancel?: (() => void) | undefined;
  readonly cancel?: string;
  readonly disabled?: boolean;
  /** What others changed meanwhile, said in the place of the refusal that tells no more. */
  readonly notice?: ReactNode;
}

/** The end of a form: what went wrong, cancel and the verb. */
export function FormFooter({ saving, submit, onCancel, cancel = 'Cancel', disabled = false, notice }: FormFooterProps) {
  const isTold = notice !== undefined && notice !== false && isConflict(saving.error);
  return (
    <>
      {notice}
      {saving.trouble !== null && !isTold && <Notice tone="bad">{saving.trouble}</Notice>}
      <Group justify="flex-end" gap="sm">
        {onCancel !== undefined && (
          <Button variant="default" onClick={onCancel}>
            {cancel}
          </Button>
        )}
        <Button type="submit" loading={saving.busy} disabled={disabled}>
          {submit}
        </Button>
      </Group>
    </>
  );
}
