import { Checkbox, Stack, Text } from '@mantine/core';
import type { Policy } from '../../contract/policy.ts';
import { requiresPassphrase } from '../../contract/policy-rules.ts';
import { describeRight } from '../../contract/vocabulary.ts';
import styles from './credentials.module.css';
import type { CredentialKindConfig, Right } from './kinds.ts';
import { strings } from './strings.ts';

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
  const errorId = error === undefined ? undefined : 'rights-problem';
  return (
    <fieldset
      {...fieldProps}
      className={styles['rights']}
      aria-describedby={errorId}
      aria-invalid={error !== undefined}
    >
      <Text component="legend" fz="sm" fw={600} mb={6}>
        {kind.rightsLabel}{' '}
        <Text span fz="xs" c="dimmed" fw={400}>
          {strings.rightsField.atLeastOne}
        </Text>
      </Text>
      <Stack gap={0} className={styles['groups']}>
        {kind.rightGroups.map(({ label, rights }) => (
          <div key={label} className={styles['group']}>
            <Text fz="xs" c="dimmed" fw={550} className={styles['groupLabel']}>
              {label}
            </Text>
            <Stack gap={10} flex={1}>
              {rights.map((right) => {
                const included = hasAll && right !== 'all';
                const isRefused = right === 'all' && !policy.allowAll;
                return (
                  <Checkbox
                    key={right}
                    label={<span className="mono">{right}</span>}
                    description={[
                      describeRight(right),
                      ...(right === 'all' ? [strings.rightsField.includesAll] : []),
                      ...(included ? [strings.rightsField.includedInAll] : []),
                      ...(isRefused ? [strings.rightsField.notAllowedByPolicy] : []),
                      ...(isToken && requiresPassphrase(policy, [right])
                        ? [strings.rightsField.requiresPassphrase]
                        : []),
                    ].join(' ')}
                    checked={included || value.includes(right)}
                    disabled={included || isRefused}
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
    </fieldset>
  );
}
