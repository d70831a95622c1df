import { Group, NativeSelect, NumberInput, Textarea, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { useResourceNames } from '../apps/resource-names.ts';
import { Section } from '../components/section.tsx';
import { countCodePoints } from '../validation.ts';
import { ParametersField } from './parameters-field.tsx';
import type { ScriptFormValues } from './script-form.ts';
import styles from './scripts.module.css';

/** All fields of a script: source, servers, user, timeout, parameters and schedule. */
export function ScriptFields({ form }: { readonly form: UseFormReturnType<ScriptFormValues> }) {
  const names = useResourceNames();
  return (
    <>
      <Section title="Script">
        <TextInput label="Name" placeholder="Clear the cache" autoComplete="off" {...form.getInputProps('name')} />
        <Textarea
          label="Description (optional)"
          autosize
          minRows={1}
          maxRows={4}
          inputWrapperOrder={['label', 'input', 'error', 'description']}
          description={`${countCodePoints(form.values.description)} of ${RESOURCE_LIMITS.scriptDescription} characters`}
          {...form.getInputProps('description')}
        />
        <Textarea
          label="Body"
          autosize
          minRows={10}
          maxRows={30}
          spellCheck={false}
          autoComplete="off"
          classNames={{ input: styles['editor'] }}
          {...form.getInputProps('body')}
        />
      </Section>
      <Section title="Execution">
        <Group gap="md" align="flex-start">
          <NativeSelect
            label="Server"
            flex="1 1 200px"
            data={[
              { value: '', label: 'Choose a server', disabled: true },
              ...names.servers.map(({ id, name }) => ({ value: id, label: name })),
            ]}
            {...form.getInputProps('serverId')}
          />
          <TextInput
            label="Run as (optional)"
            placeholder="the server's user"
            autoComplete="off"
            spellCheck={false}
            flex="1 1 200px"
            {...form.getInputProps('runAs')}
          />
        </Group>
        <Group gap="md" align="flex-start">
          <TextInput
            label="Interpreter"
            placeholder="/bin/sh"
            autoComplete="off"
            spellCheck={false}
            flex="1 1 200px"
            {...form.getInputProps('interpreter')}
          />
          <NumberInput
            label="Time limit in seconds"
            min={RESOURCE_LIMITS.scriptTimeout.min}
            max={RESOURCE_LIMITS.scriptTimeout.max}
            allowDecimal={false}
            hideControls
            flex="1 1 200px"
            {...form.getInputProps('timeoutSeconds')}
          />
        </Group>
        <TextInput
          label="Schedule (optional)"
          description="Cron syntax in UTC: five fields, or a macro such as @daily. Scheduled runs use the parameters' defaults."
          placeholder="30 3 * * 1-5"
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps('schedule')}
        />
      </Section>
      <Section title="Parameters">
        <ParametersField form={form} />
      </Section>
    </>
  );
}
