import { ActionIcon, Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { RESOURCE_LIMITS } from '../../contract/words.ts';
import { IconPlus, IconTrash } from '../components/icons.ts';
import styles from './scripts.module.css';
import { newParameter, type ParameterValues } from './scripts.ts';

interface ParametersFieldProps {
  readonly parameters: readonly ParameterValues[];
  readonly onChange: (parameters: readonly ParameterValues[]) => void;
  readonly error: string | undefined;
}

/** The parameters of a script: what a run may or must give, and what it must look like. */
export function ParametersField({ parameters, onChange, error }: ParametersFieldProps) {
  const put = (at: number, change: Partial<ParameterValues>) => {
    const before = parameters[at];
    if (before !== undefined) onChange(parameters.with(at, { ...before, ...change }));
  };
  return (
    <Stack gap="sm">
      {parameters.length === 0 && (
        <Text fz="sm" c="dimmed">
          None. A parameter reaches the script as a variable of its name, and never through a command line.
        </Text>
      )}
      {parameters.map((one, at) => (
        <fieldset key={one.key} className={styles['parameter']}>
          <legend className="visually-hidden">Parameter {one.name || at + 1}</legend>
          <TextInput
            label="Name"
            placeholder="TARGET"
            autoComplete="off"
            spellCheck={false}
            classNames={{ input: 'mono' }}
            value={one.name}
            onChange={(event) => put(at, { name: event.currentTarget.value })}
          />
          <TextInput
            label="Pattern (optional)"
            placeholder="[a-z]+"
            autoComplete="off"
            spellCheck={false}
            classNames={{ input: 'mono' }}
            value={one.pattern}
            onChange={(event) => put(at, { pattern: event.currentTarget.value })}
          />
          <TextInput
            label="Default"
            autoComplete="off"
            spellCheck={false}
            disabled={one.needed}
            value={one.needed ? '' : one.default}
            onChange={(event) => put(at, { default: event.currentTarget.value })}
          />
          <Group gap="xs" wrap="nowrap" className={styles['tools']}>
            <Checkbox
              label="Needed"
              checked={one.needed}
              onChange={(event) => put(at, { needed: event.currentTarget.checked })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              c="inherit"
              aria-label={`Remove the parameter ${one.name || at + 1}`}
              onClick={() => onChange(parameters.toSpliced(at, 1))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        </fieldset>
      ))}
      {error !== undefined && (
        <Text fz="xs" c="var(--mantine-color-error)" role="alert">
          {error}
        </Text>
      )}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={16} />}
          disabled={parameters.length >= RESOURCE_LIMITS.parameters}
          onClick={() => onChange([...parameters, newParameter()])}
        >
          Add a parameter
        </Button>
      </Group>
    </Stack>
  );
}
