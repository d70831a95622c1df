import { NativeSelect, Switch } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { COMMAND_INTERPRETERS, HOOK_STAGES, VARIABLE_DELIVERIES } from '../../contract/platform-vocabulary.ts';
import { Dialog } from '../components/dialog.tsx';
import { CodeInput, IntegerInput, NameInput } from '../components/fields.tsx';
import { Form, FormFooter, NO_REQUEST } from '../components/form.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { validateInteger, validateName } from '../validation.ts';
import { HOOK_STAGE_TEXTS, type Hook } from './app-form.ts';
import { strings } from './form-strings.ts';

interface HookDialogProps {
  /** Null for a new hook. */
  readonly hook: Hook | null;
  /** The names of the app's other hooks, which this hook must not have. */
  readonly otherNames: readonly string[];
  readonly onClose: () => void;
  readonly onDone: (hook: Hook) => void;
}

type HookFormValues = Omit<Hook, 'timeoutSeconds' | 'retries'> & {
  readonly timeoutSeconds: number | string;
  readonly retries: number | string;
};

const NEW_HOOK_VALUES: HookFormValues = {
  name: '',
  stage: 'post_source_control',
  run: '',
  interpreter: '/bin/sh',
  timeoutSeconds: 600,
  retries: 0,
  variables: 'environment',
  active: true,
};

function validateCommand(command: string): string | null {
  if (command.trim() === '') return strings.hookDialog.enterACommand;
  return command.length > RESOURCE_LIMITS.command ? strings.hookDialog.commandTooLong(RESOURCE_LIMITS.command) : null;
}

function HookFields({ form }: { readonly form: UseFormReturnType<HookFormValues> }) {
  return (
    <>
      <NameInput placeholder={strings.hookDialog.namePlaceholder} {...form.getInputProps('name')} />
      <NativeSelect
        label={strings.hookDialog.stage}
        description={strings.hookDialog.stageDescription(HOOK_STAGE_TEXTS[form.values.stage].when)}
        data={HOOK_STAGES.map((stage) => ({ value: stage, label: HOOK_STAGE_TEXTS[stage].label }))}
        {...form.getInputProps('stage')}
      />
      <CodeInput
        label={strings.hookDialog.command}
        description={strings.hookDialog.commandDescription}
        placeholder={strings.hookDialog.commandPlaceholder}
        minRows={3}
        maxRows={12}
        {...form.getInputProps('run')}
      />
      <NativeSelect
        label={strings.hookDialog.interpreter}
        description={strings.hookDialog.interpreterDescription}
        data={[...COMMAND_INTERPRETERS]}
        {...form.getInputProps('interpreter')}
      />
      <IntegerInput
        label={strings.hookDialog.timeLimitInSeconds}
        limits={RESOURCE_LIMITS.hookTimeout}
        {...form.getInputProps('timeoutSeconds')}
      />
      <IntegerInput
        label={strings.hookDialog.retries}
        description={strings.hookDialog.retriesDescription}
        limits={RESOURCE_LIMITS.hookRetries}
        {...form.getInputProps('retries')}
      />
      <NativeSelect
        label={strings.hookDialog.variables}
        description={strings.hookDialog.variablesDescription}
        data={VARIABLE_DELIVERIES.map((value) => ({ value, label: strings.hookDialog.deliveries[value] }))}
        {...form.getInputProps('variables')}
      />
      <Switch
        label={strings.hookDialog.active}
        description={strings.hookDialog.activeDescription}
        {...form.getInputProps('active', { type: 'checkbox' })}
      />
    </>
  );
}

/** Adds or edits a hook of the app's form, which saves it along with the app. */
export function HookDialog({ hook, otherNames, onClose, onDone }: HookDialogProps) {
  const form = useAppForm<HookFormValues>({
    initialValues: hook ?? NEW_HOOK_VALUES,
    validate: {
      name: (name) => validateName(name) ?? (otherNames.includes(name.trim()) ? strings.hookDialog.nameTaken : null),
      run: validateCommand,
      timeoutSeconds: (seconds) => validateInteger(seconds, RESOURCE_LIMITS.hookTimeout),
      retries: (retries) => validateInteger(retries, RESOURCE_LIMITS.hookRetries),
    },
  });
  return (
    <Dialog
      onClose={onClose}
      title={hook === null ? strings.hookDialog.addTitle : strings.hookDialog.editTitle(hook.name)}
      size="lg"
    >
      <Form
        onSubmit={form.onSubmit((values) => {
          onDone({
            ...values,
            name: values.name.trim(),
            timeoutSeconds: Number(values.timeoutSeconds),
            retries: Number(values.retries),
          });
          onClose();
        })}
      >
        <HookFields form={form} />
        <FormFooter
          saving={NO_REQUEST}
          submitLabel={hook === null ? strings.hookDialog.add : strings.hookDialog.done}
          onCancel={onClose}
        />
      </Form>
    </Dialog>
  );
}
