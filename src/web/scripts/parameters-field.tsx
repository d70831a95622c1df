import { ActionIcon, Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { PlainTextInput } from '../components/fields.tsx';
import { IconPlus, IconTrash } from '../components/icons.ts';
import { DimmedText } from '../components/text.tsx';
import { fieldPathProps } from '../components/use-app-form.ts';
import { newParameter, type ScriptFormValues } from './script-form.ts';
import styles from './scripts.module.css';
import { strings } from './strings.ts';

/** The parameters of a script: their names, patterns and defaults, and whether they are required. */
export function ParametersField({ form }: { readonly form: UseFormReturnType<ScriptFormValues> }) {
  const { parameters } = form.values;
  return (
    <Stack gap="sm" {...fieldPathProps(form, 'parameters')}>
      {parameters.length === 0 && <DimmedText>{strings.parametersField.noParameters}</DimmedText>}
      {parameters.map((parameter, index) => (
        <fieldset key={parameter.key} className={styles['parameter']}>
          <legend className="visually-hidden">{strings.parametersField.parameter(parameter.name || index + 1)}</legend>
          <PlainTextInput
            label={strings.parametersField.name}
            placeholder={strings.parametersField.namePlaceholder}
            classNames={{ input: 'mono' }}
            {...form.getInputProps(`parameters.${index}.name`)}
          />
          <PlainTextInput
            label={strings.parametersField.patternOptional}
            placeholder={strings.parametersField.patternOptionalPlaceholder}
            classNames={{ input: 'mono' }}
            {...form.getInputProps(`parameters.${index}.pattern`)}
          />
          <PlainTextInput
            label={strings.parametersField.default}
            {...form.getInputProps(`parameters.${index}.default`)}
            {...(parameter.isRequired && { disabled: true, value: '' })}
          />
          <Group gap="xs" wrap="nowrap" className={styles['actions']}>
            <Checkbox
              label={strings.parametersField.required}
              {...form.getInputProps(`parameters.${index}.isRequired`, { type: 'checkbox' })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              c="inherit"
              aria-label={strings.parametersField.removeParameter(parameter.name || index + 1)}
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
          {strings.parametersField.addParameter}
        </Button>
      </Group>
    </Stack>
  );
}
