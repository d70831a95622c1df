import { Button, Group, Text } from '@mantine/core';
import { useId } from 'react';
import type { CredentialKind } from '../../contract/vocabulary.ts';
import styles from './credential-form.module.css';
import type { CredentialFormValues } from './credential-form-values.ts';
import { strings } from './form-strings.ts';
import { isChosen, PRESETS, type Preset } from './presets.ts';

interface PresetButtonsProps {
  readonly kind: CredentialKind;
  readonly values: CredentialFormValues;
  readonly onChoose: (preset: Preset) => void;
}

/** Buttons that fill in a form for a common purpose. They submit nothing. */
export function PresetButtons({ kind, values, onChoose }: PresetButtonsProps) {
  const id = useId();
  return (
    <Group gap={6} role="group" aria-labelledby={id}>
      <Text id={id} fz="sm" c="dimmed" mr={4}>
        {strings.presets.label}
      </Text>
      {PRESETS[kind].map((preset) => (
        <Button
          key={preset.name}
          size="compact-sm"
          fw={500}
          radius="xl"
          variant={isChosen(preset, values) ? 'light' : 'default'}
          className={styles['preset'] ?? ''}
          aria-pressed={isChosen(preset, values)}
          onClick={() => onChoose(preset)}
        >
          {preset.name}
        </Button>
      ))}
    </Group>
  );
}
