import { NativeSelect, Switch } from '@mantine/core';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { COMMAND_INTERPRETERS, HOOK_STAGES } from '../../contract/vocabulary.ts';
import { Dialog } from '../components/dialog.tsx';
import { CodeInput, IntegerInput, NameInput } from '../components/fields.tsx';
import { Form, FormFooter } from '../components/form.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { validateInteger, validateName } from '../validation.ts';
import { HOOK_STAGE_LABELS, type Hook } from './app-form.ts';

interface HookDialogProps {
  readonly hook: Hook | null;
  /** The names of the other hooks; each name must be unique. */
  readonly existingNames: readonly string[];
  readonly onClose: () => void;
  readonly onDone: (hook: Hook) => void;
}

type HookFormValues = Omit<Hook, 'timeoutSeconds'> & { readonly timeoutSeconds: number | string };

const NEW_HOOK_VALUES: HookFormValues = {
  name: '',
  stage: 'post_source_control',
  run: '',
  interpreter: '/bin/sh',
  timeoutSeconds: 600,
  active: true,
};

/** Adds or edits a hook. It is saved along with the app. */
export function HookDialog({ hook, existingNames, onClose, onDone }: HookDialogProps) {
  const form = useAppForm<HookFormValues>({
    initialValues: hook ?? NEW_HOOK_VALUES,
    validate: {
      name: (name) =>
        validateName(name) ?? (existingNames.includes(name.trim()) ? 'Another hook already has this name' : null),
      run: (run) =>
        run.trim() === ''
          ? 'Enter a command'
          : run.length > RESOURCE_LIMITS.command
            ? `Must be at most ${RESOURCE_LIMITS.command} characters`
            : null,
      timeoutSeconds: (seconds) => validateInteger(seconds, RESOURCE_LIMITS.hookTimeout),
    },
  });
  return (
    <Dialog onClose={onClose} title={hook === null ? 'Add hook' : `Edit ${hook.name}`} size="lg">
      <Form
        onSubmit={form.onSubmit((values) => {
          onDone({ ...values, name: values.name.trim(), timeoutSeconds: Number(values.timeoutSeconds) });
          onClose();
        })}
      >
        <NameInput placeholder="Install and build" {...form.getInputProps('name')} />
        <NativeSelect
          label="Stage"
          description={`Runs ${HOOK_STAGE_LABELS[form.values.stage].when}.`}
          data={HOOK_STAGES.map((stage) => ({ value: stage, label: HOOK_STAGE_LABELS[stage].label }))}
          {...form.getInputProps('stage')}
        />
        <CodeInput
          label="Command"
          description="Shell commands. They get the app's variables, except those that control how programs run, such as PATH."
          placeholder="npm ci && npm run build"
          minRows={3}
          maxRows={12}
          {...form.getInputProps('run')}
        />
        <NativeSelect
          label="Interpreter"
          description="With /bin/bash, a pipeline fails if any part of it fails (pipefail)."
          data={[...COMMAND_INTERPRETERS]}
          {...form.getInputProps('interpreter')}
        />
        <IntegerInput
          label="Time limit in seconds"
          limits={RESOURCE_LIMITS.hookTimeout}
          {...form.getInputProps('timeoutSeconds')}
        />
        <Switch
          label="Active"
          description="An inactive hook is skipped."
          {...form.getInputProps('active', { type: 'checkbox' })}
        />
        <FormFooter
          saving={{ busy: false, formError: null, error: null }}
          submitLabel={hook === null ? 'Add' : 'Done'}
          onCancel={onClose}
        />
      </Form>
    </Dialog>
  );
}
