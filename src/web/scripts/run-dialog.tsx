import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import type { Script } from '../../contract/scripts.ts';
import { queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { PlainTextInput } from '../components/fields.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

interface RunDialogProps {
  readonly script: Script;
  /** The initial values of the parameters, for example those of an earlier run. */
  readonly initialParameters?: Readonly<Record<string, string>>;
  readonly onClose: () => void;
}

/** Asks for the values of a script's parameters, creates a run and opens its page. */
export function RunDialog({ script, initialParameters = {}, onClose }: RunDialogProps) {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const form = useAppForm<Record<string, string>>({
    initialValues: Object.fromEntries(
      script.parameters.map((parameter) => [
        parameter.name,
        initialParameters[parameter.name] ?? parameter.default ?? '',
      ]),
    ),
  });
  const submission = useSubmit(
    form,
    async (values) => {
      const { id } = await api.scripts.run(script.id, values);
      onClose();
      notifications.show({ message: strings.runDialog.requested(script.name) });
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'scripts', script.id, 'runs'] });
      await navigate({ to: '/runs/$id', params: { id }, search: {} });
    },
    Object.fromEntries(script.parameters.map(({ name }) => [`parameters.${name}`, name])),
  );

  return (
    <Dialog onClose={onClose} title={strings.runDialog.title(script.name)} size="lg">
      <Form onSubmit={form.onSubmit(submission.submit)}>
        {script.description !== null && (
          <Text fz="sm" c="dimmed" style={{ whiteSpace: 'pre-line' }}>
            {script.description}
          </Text>
        )}
        {script.parameters.map(({ name, pattern, default: defaultValue }, index) => (
          <PlainTextInput
            key={name}
            label={name}
            description={pattern === null ? undefined : strings.runDialog.mustMatchDescription(pattern)}
            required={defaultValue === null}
            data-autofocus={index === 0 || undefined}
            {...form.getInputProps(name)}
          />
        ))}
        {script.parameters.length === 0 && <Text fz="sm">{strings.runDialog.noParameters}</Text>}
        <FormFooter saving={submission} submitLabel={strings.runDialog.run} onCancel={onClose} />
      </Form>
    </Dialog>
  );
}
