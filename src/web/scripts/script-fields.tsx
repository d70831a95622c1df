import { Autocomplete, Group, NativeSelect } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { SCRIPT_OVERLAPS } from '../../contract/platform-vocabulary.ts';
import { useApps, useProjectsAndServers } from '../apps/resource-names.tsx';
import { CodeInput, DescriptionInput, IntegerInput, NameInput, PlainTextInput } from '../components/fields.tsx';
import { toOptions } from '../components/filters.tsx';
import { Section } from '../components/section.tsx';
import { ParametersField } from './parameters-field.tsx';
import type { ScriptFormValues } from './script-form.ts';
import styles from './scripts.module.css';
import { strings } from './strings.ts';

const TIME_ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];

interface ScriptFieldsProps {
  readonly form: UseFormReturnType<ScriptFormValues>;
}

function NameAndBody({ form }: ScriptFieldsProps) {
  return (
    <Section title={strings.scriptFields.scriptTitle}>
      <NameInput placeholder={strings.scriptFields.namePlaceholder} {...form.getInputProps('name')} />
      <DescriptionInput maxLength={RESOURCE_LIMITS.scriptDescription} {...form.getInputProps('description')} />
      <CodeInput
        label={strings.scriptFields.body}
        minRows={10}
        maxRows={30}
        classNames={{ input: styles['editor'] }}
        {...form.getInputProps('body')}
      />
    </Section>
  );
}

/**
 * The schedule and, if there is one, its time zone and what happens if the previous run is still in progress when the
 * script is due.
 */
function ScheduleFields({ form }: ScriptFieldsProps) {
  return (
    <>
      <PlainTextInput
        label={strings.scriptFields.scheduleOptional}
        description={strings.scriptFields.scheduleOptionalDescription}
        placeholder="30 3 * * 1-5"
        {...form.getInputProps('schedule')}
      />
      {form.values.schedule.trim() !== '' && (
        <Group gap="md" align="flex-start">
          <Autocomplete
            label={strings.scriptFields.timeZone}
            flex="1 1 200px"
            data={TIME_ZONES}
            limit={50}
            {...form.getInputProps('timeZone')}
          />
          <NativeSelect
            label={strings.scriptFields.overlap}
            flex="1 1 200px"
            data={SCRIPT_OVERLAPS.map((value) => ({ value, label: strings.scriptFields.overlapLabels[value] }))}
            {...form.getInputProps('overlap')}
          />
        </Group>
      )}
    </>
  );
}

function Execution({ form }: ScriptFieldsProps) {
  const { servers } = useProjectsAndServers();
  const apps = useApps();
  return (
    <Section title={strings.scriptFields.executionTitle}>
      <NativeSelect
        label={strings.scriptFields.appOptional}
        description={strings.scriptFields.appOptionalDescription}
        data={[{ value: '', label: strings.scriptFields.noApp }, ...toOptions(apps)]}
        {...form.getInputProps('appId')}
      />
      <Group gap="md" align="flex-start">
        <NativeSelect
          label={strings.scriptFields.server}
          flex="1 1 200px"
          data={[{ value: '', label: strings.scriptFields.chooseAServer, disabled: true }, ...toOptions(servers)]}
          {...form.getInputProps('serverId')}
        />
        <PlainTextInput
          label={strings.scriptFields.runAsOptional}
          placeholder={strings.scriptFields.runAsOptionalPlaceholder}
          flex="1 1 200px"
          {...form.getInputProps('runAs')}
        />
      </Group>
      <Group gap="md" align="flex-start">
        <PlainTextInput
          label={strings.scriptFields.interpreter}
          placeholder={strings.scriptFields.interpreterPlaceholder}
          flex="1 1 200px"
          {...form.getInputProps('interpreter')}
        />
        <IntegerInput
          label={strings.scriptFields.timeLimitInSeconds}
          limits={RESOURCE_LIMITS.scriptTimeout}
          flex="1 1 200px"
          {...form.getInputProps('timeoutSeconds')}
        />
        <IntegerInput
          label={strings.scriptFields.runsToKeep}
          limits={RESOURCE_LIMITS.keepRuns}
          flex="1 1 200px"
          {...form.getInputProps('keepRuns')}
        />
      </Group>
      <ScheduleFields form={form} />
    </Section>
  );
}

/** The fields of a script except its slug. */
export function ScriptFields({ form }: ScriptFieldsProps) {
  return (
    <>
      <NameAndBody form={form} />
      <Execution form={form} />
      <Section title={strings.scriptFields.parametersTitle}>
        <ParametersField form={form} />
      </Section>
    </>
  );
}
