import { Text } from '@mantine/core';
import type { ComponentProps, ReactNode } from 'react';
import styles from './form-section.module.css';

interface FormSectionProps extends Omit<ComponentProps<'fieldset'>, 'title'> {
  readonly title: string;
  /** Less prominent text after the title, such as "(optional)". */
  readonly hint?: string;
  readonly children: ReactNode;
}

/** Fields of a form that belong together, under a title. */
export function FormSection({ title, hint, children, ...props }: FormSectionProps) {
  return (
    <fieldset {...props} className={styles['section']}>
      <Text component="legend" fz="sm" fw={600} mb={6}>
        {title}{' '}
        {hint !== undefined && (
          <Text span fz="xs" c="dimmed" fw={400}>
            {hint}
          </Text>
        )}
      </Text>
      {children}
    </fieldset>
  );
}
