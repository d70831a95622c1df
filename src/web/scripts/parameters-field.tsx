import { ActionIcon, Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { PlainTextInput } from '../components/fields.tsx';
import { IconPlus, IconTrash } from '../components/icons.ts';
import { DimmedText } from '../components/text.tsx';
import { fieldPathProps } from '../components/use-app-form.ts';
import { newParameter, type ScriptFormValues } from './script-form.ts';
import styles from './scripts.module.css';

/** The parameters of a script: names, patterns, and whether they are required. */
export function ParametersField({ form }: { readonly form: UseFormReturnType<ScriptFormValues> }) {
  const { parameters } = form.values;
  return (
    <Stack gap="sm" {...fieldPathProps(form, 'parameters')}>
      {parameters.length === 0 && (
        <DimmedText>
          No parameters. The script receives each parameter as an environment variable of the same name, never on the
          command line.
        </DimmedText>
      )}
      {parameters.map((parameter, index) => (
        <fieldset key={parameter.key} className={styles['parameter']}>
          <legend className="visually-hidden">Parameter {parameter.name || index + 1}</legend>
          <PlainTextInput
            label="Name"
            placeholder="TARGET"
            classNames={{ input: 'mono' }}
            {...form.getInputProps(`parameters.${index}.name`)}
          />
          <PlainTextInput
            label="Pattern (optional)"
            placeholder="[a-z]+"
            classNames={{ input: 'mono' }}
            {...form.getInputProps(`parameters.${index}.pattern`)}
          />
          <PlainTextInput
            label="Default"
            {...form.getInputProps(`parameters.${index}.default`)}
            {...(parameter.isRequired && { disabled: true, value: '' })}
          />
          <Group gap="xs" wrap="nowrap" className={styles['actions']}>
            <Checkbox
              label="Required"
              {...form.getInputProps(`parameters.${index}.isRequired`, { type: 'checkbox' })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              c="inherit"
              aria-label={`Remove parameter ${parameter.name || index + 1}`}
              onClick={() => form.removeListItem('parameters', index)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        </fieldset>
      ))}
      {form.errors['parameters'] !== undefined && (
        <Text fz="xs" c="var(--mantine-color-error)" role="alert">
          {form.errors['parameters']}
        </Text>
      )}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={16} />}
          disabled={parameters.length >= RESOURCE_LIMITS.parameters}
          onClick={() => form.insertListItem('parameters', newParameter())}
        >
          Add parameter
        </Button>
      </Group>
    </Stack>
  );
}
