import { Group, NativeSelect } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { useResourceNames } from '../apps/resource-names.tsx';
import { CodeInput, DescriptionInput, IntegerInput, NameInput, PlainTextInput } from '../components/fields.tsx';
import { toOptions } from '../components/filters.tsx';
import { Section } from '../components/section.tsx';
import { ParametersField } from './parameters-field.tsx';
import type { ScriptFormValues } from './script-form.ts';
import styles from './scripts.module.css';

/** All fields of a script: source, servers, user, timeout, parameters and schedule. */
export function ScriptFields({ form }: { readonly form: UseFormReturnType<ScriptFormValues> }) {
  const { servers } = useResourceNames();
  return (
    <>
      <Section title="Script">
        <NameInput placeholder="Clear the cache" {...form.getInputProps('name')} />
        <DescriptionInput maxLength={RESOURCE_LIMITS.scriptDescription} {...form.getInputProps('description')} />
        <CodeInput
          label="Body"
          minRows={10}
          maxRows={30}
          classNames={{ input: styles['editor'] }}
          {...form.getInputProps('body')}
        />
      </Section>
      <Section title="Execution">
        <Group gap="md" align="flex-start">
          <NativeSelect
            label="Server"
            flex="1 1 200px"
            data={[{ value: '', label: 'Choose a server', disabled: true }, ...toOptions(servers)]}
            {...form.getInputProps('serverId')}
          />
          <PlainTextInput
            label="Run as (optional)"
            placeholder="the server's user"
            flex="1 1 200px"
            {...form.getInputProps('runAs')}
          />
        </Group>
        <Group gap="md" align="flex-start">
          <PlainTextInput
            label="Interpreter"
            placeholder="/bin/sh"
            flex="1 1 200px"
            {...form.getInputProps('interpreter')}
          />
          <IntegerInput
            label="Time limit in seconds"
            limits={RESOURCE_LIMITS.scriptTimeout}
            flex="1 1 200px"
            {...form.getInputProps('timeoutSeconds')}
          />
        </Group>
        <PlainTextInput
          label="Schedule (optional)"
          description="Cron syntax in UTC: five fields, or a macro such as @daily. Scheduled runs use the parameters' defaults."
          placeholder="30 3 * * 1-5"
          {...form.getInputProps('schedule')}
        />
      </Section>
      <Section title="Parameters">
        <ParametersField form={form} />
      </Section>
    </>
  );
}
