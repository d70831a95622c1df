import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { LIMITS } from '../../contract/limits.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { IconRefresh } from '../components/icons.ts';
import styles from './credentials.module.css';
import { strings } from './form-strings.ts';
import { estimateStrength, generatePassphrase } from './passphrase.ts';

interface PassphraseFieldProps {
  readonly value: string;
  /** Called with the passphrase and whether it was generated here rather than typed. */
  readonly onChange: (passphrase: string, isGenerated: boolean) => void;
  readonly error?: string | undefined;
  readonly description?: string;
  /** Whether the policy requires a passphrase. */
  readonly isRequired: boolean;
  readonly 'data-path': string;
}

const STRENGTH_LABELS = strings.passphraseField.strengthLabels;

/** The passphrase of an access token, typed or generated. Optional unless the policy requires one. */
export function PassphraseField(props: PassphraseFieldProps) {
  const { value, onChange, error, description, isRequired, ...fieldProps } = props;
  const [isVisible, setIsVisible] = useState(false);
  const [isGenerated, setIsGenerated] = useState(false);
  const strength = estimateStrength(value);
  return (
    <Stack gap={6}>
      <PasswordInput
        label={isRequired ? strings.passphraseField.passphrase : strings.passphraseField.passphraseOptional}
        description={strings.passphraseField.descriptionWithLength(
          description ?? (isRequired ? strings.passphraseField.requiredByPolicy : strings.passphraseField.description),
          LIMITS.passphrase.min,
          LIMITS.passphrase.max,
        )}
        autoComplete="new-password"
        value={value}
        onChange={(event) => {
          setIsGenerated(false);
          onChange(event.currentTarget.value, false);
        }}
        visible={isVisible}
        onVisibilityChange={setIsVisible}
        error={error}
        {...fieldProps}
        visibilityToggleButtonProps={{
          'aria-label': isVisible
            ? strings.passphraseField.hideThePassphrase
            : strings.passphraseField.showThePassphrase,
        }}
      />
      <Group gap="xs" ml={-8}>
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconRefresh size={14} />}
          onClick={() => {
            onChange(generatePassphrase(), true);
            setIsVisible(true);
            setIsGenerated(true);
          }}
        >
          {strings.passphraseField.suggest}
        </Button>
        {isGenerated && (
          <CopyButton text={value} label={strings.passphraseField.copyPassphrase} size="compact-sm" variant="subtle" />
        )}
      </Group>
      {value !== '' && (
        <Group gap="xs" wrap="nowrap">
          <div className={styles['meter']} data-strength={strength} aria-hidden>
            <span />
            <span />
            <span />
          </div>
          <Text fz="xs" c="dimmed" role="status">
            {STRENGTH_LABELS[strength]}
          </Text>
        </Group>
      )}
    </Stack>
  );
}
