import { Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import styles from './sticky-footer.module.css';

interface StickyFooterProps {
  readonly isSticky?: boolean;
  /** Whether the footer is in a dialog instead of on a page. */
  readonly isInDialog?: boolean;
  readonly children: ReactNode;
}

/** The footer of a long form. If `isSticky` is true, it stays at the bottom of the window or the dialog. */
export function StickyFooter({ isSticky = true, isInDialog = false, children }: StickyFooterProps) {
  const className = [isSticky && styles['footer'], isInDialog && styles['inDialog']].filter(Boolean).join(' ');
  return (
    <div className={className}>
      <Stack gap="sm">{children}</Stack>
    </div>
  );
}
