import { Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Script } from '../../contract/scripts.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { messageOf, queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { FormFooter } from '../components/form.tsx';
import { useWorkspace } from '../session.ts';

interface RunDialogProps {
  readonly script: Script;
  /** What the fields begin with, such as the values of an earlier run. */
  readonly values?: Readonly<Record<string, string>>;
  readonly onClose: () => void;
}

/** The server's field errors by the name of the parameter. */
function problemsOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof DevpilotError)) return {};
  return Object.fromEntries(
    error.errors.flatMap(({ field, message }) =>
      field.startsWith('parameters.') ? [[field.slice('parameters.'.length), message]] : [],
    ),
  );
}

/** Asks for a script's parameters and runs it; then leads to the run. */
export function RunDialog({ script, values: given = {}, onClose }: RunDialogProps) {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(script.parameters.map((one) => [one.name, given[one.name] ?? one.default ?? ''])),
  );
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const problems = problemsOf(error);
  const hasField = Object.keys(problems).some((name) => Object.hasOwn(values, name));

  async function run() {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      const { id } = await api.scripts.run(script.id, values);
      onClose();
      notifications.show({ message: `${script.name} is on its way.` });
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'scripts', script.id, 'runs'] });
      await navigate({ to: '/runs/$id', params: { id }, search: {} });
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog opened onClose={onClose} title={`Run ${script.name}`} size="lg" closeOnClickOutside={false}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <Stack gap="md">
          {script.description !== null && (
            <Text fz="sm" c="dimmed" style={{ whiteSpace: 'pre-line' }}>
              {script.description}
            </Text>
          )}
          {script.parameters.map(({ name, pattern, default: standard }, at) => (
            <TextInput
              key={name}
              label={name}
              description={pattern === null ? undefined : `Matches ${pattern}`}
              required={standard === null}
              autoComplete="off"
              spellCheck={false}
              value={values[name] ?? ''}
              error={problems[name]}
              data-autofocus={at === 0 || undefined}
              onChange={(event) => setValues({ ...values, [name]: event.currentTarget.value })}
            />
          ))}
          {script.parameters.length === 0 && <Text fz="sm">It takes no parameters.</Text>}
          <FormFooter
            saving={{ busy, error, trouble: error === null || hasField ? null : messageOf(error) }}
            submit="Run"
            onCancel={onClose}
          />
        </Stack>
      </form>
    </Dialog>
  );
}
