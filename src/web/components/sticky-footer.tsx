import { Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import styles from './sticky-footer.module.css';

/** The footer of a long form. While `isSticky`, it stays at the bottom of the window. */
export function StickyFooter({
  isSticky = true,
  children,
}: {
  readonly isSticky?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <div className={isSticky ? styles['footer'] : undefined}>
      <Stack gap="sm">{children}</Stack>
    </div>
  );
}
