import { Checkbox, Stack, Text } from '@mantine/core';
import type { Policy } from '../../contract/policy.ts';
import { requiresPassphrase } from '../../contract/policy-rules.ts';
import { describeRight } from '../../contract/vocabulary.ts';
import { FormSection } from '../components/form-section.tsx';
import styles from './credentials.module.css';
import { strings } from './form-strings.ts';
import type { CredentialKindConfig, Right } from './kinds.ts';

interface RightsFieldProps {
  readonly kind: CredentialKindConfig;
  readonly value: readonly Right[];
  readonly onChange: (rights: Right[]) => void;
  readonly policy: Policy;
  readonly error?: string | undefined;
  readonly 'data-path': string;
}

/** The available scopes or permissions with their meanings. Selecting `all` includes all others. */
export function RightsField({ kind, value, onChange, policy, error, ...fieldProps }: RightsFieldProps) {
  const isToken = kind.kind === 'access_token';
  const hasAll = value.includes('all');
  function toggle(right: Right) {
    if (right === 'all') return onChange(hasAll ? [] : ['all']);
    onChange(value.includes(right) ? value.filter((otherRight) => otherRight !== right) : [...value, right]);
  }
  const errorId = error === undefined ? undefined : 'rights-error';
  return (
    <FormSection
      {...fieldProps}
      title={kind.rightsLabel}
      hint={strings.rightsField.atLeastOne}
      aria-describedby={errorId}
      aria-invalid={error !== undefined}
    >
      <Stack gap={0} className={styles['groups']}>
        {kind.rightGroups.map(({ label, rights }) => (
          <div key={label} className={styles['group']}>
            <Text fz="xs" c="dimmed" fw={550} className={styles['groupLabel']}>
              {label}
            </Text>
            <Stack gap={8} flex={1}>
              {rights.map((right) => {
                const isIncluded = hasAll && right !== 'all';
                const isForbidden = right === 'all' && !policy.allowAll;
                return (
                  <Checkbox
                    key={right}
                    styles={{ description: { marginTop: 2 } }}
                    label={<span className="mono">{right}</span>}
                    description={[
                      describeRight(right),
                      right === 'all' && strings.rightsField.includesAll,
                      isIncluded && strings.rightsField.includedInAll,
                      isForbidden && strings.rightsField.notAllowedByPolicy,
                      isToken && requiresPassphrase(policy, [right]) && strings.rightsField.requiresPassphrase,
                    ]
                      .filter((sentence) => sentence !== false)
                      .join(' ')}
                    checked={isIncluded || value.includes(right)}
                    disabled={isIncluded || isForbidden}
                    onChange={() => toggle(right)}
                  />
                );
              })}
            </Stack>
          </div>
        ))}
      </Stack>
      {error !== undefined && (
        <Text id={errorId} fz="xs" c="var(--mantine-color-error)" mt={6}>
          {error}
        </Text>
      )}
    </FormSection>
  );
}
