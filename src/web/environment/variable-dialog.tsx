import { isControlVariable } from '../../contract/control-variables.ts';
import { Dialog } from '../components/dialog.tsx';
import { CodeInput, PlainTextInput } from '../components/fields.tsx';
import { Form, FormFooter, NO_REQUEST } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { validateVariableName, validateVariableValue } from './environment-draft.ts';
import { strings } from './strings.ts';

interface VariableDialogProps {
  /** The variable to change; null for a new one. */
  readonly name: string | null;
  /** The value in the draft or, if it was revealed, the saved value. */
  readonly value: string | undefined;
  readonly existingNames: ReadonlySet<string>;
  readonly onClose: () => void;
  readonly onDone: (name: string, value: string) => void;
}

/** Sets a variable in the draft without saving it. */
export function VariableDialog({ name, value, existingNames, onClose, onDone }: VariableDialogProps) {
  const form = useAppForm({
    initialValues: { name: name ?? '', value: value ?? '' },
    validate: {
      name: (typedName) => (name === null ? validateVariableName(typedName.trim(), existingNames) : null),
      value: validateVariableValue,
    },
  });
  return (
    <Dialog
      onClose={onClose}
      title={name === null ? strings.variableDialog.addTitle : strings.variableDialog.editTitle(name)}
      size="lg"
    >
      <Form
        onSubmit={form.onSubmit((values) => {
          onDone(values.name.trim(), values.value);
          onClose();
        })}
      >
        {name === null && (
          <PlainTextInput
            label={strings.variableDialog.name}
            placeholder={strings.variableDialog.namePlaceholder}
            classNames={{ input: 'mono' }}
            data-autofocus
            {...form.getInputProps('name')}
          />
        )}
        {isControlVariable(form.values.name.trim()) && (
          <Notice tone="warning">{strings.variableDialog.controlVariable}</Notice>
        )}
        <CodeInput
          label={strings.variableDialog.value}
          description={
            name !== null && value === undefined
              ? strings.variableDialog.valueHiddenDescription
              : strings.variableDialog.valueDescription
          }
          minRows={2}
          maxRows={14}
          data-autofocus={name !== null || undefined}
          {...form.getInputProps('value')}
        />
        <FormFooter
          saving={NO_REQUEST}
          submitLabel={name === null ? strings.variableDialog.add : strings.variableDialog.apply}
          onCancel={onClose}
        />
      </Form>
    </Dialog>
  );
}
