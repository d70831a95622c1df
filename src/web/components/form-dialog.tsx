import type { ModalProps } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Dialog } from './dialog.tsx';
import styles from './form-dialog.module.css';

/** A dialog for a long form. It fills the window on a phone, and is narrower while it contains no form. */
export function FormDialog(props: Omit<ModalProps, 'opened'>) {
  const isPhone = useMediaQuery('(max-width: 36em)', false, { getInitialValueInEffect: false });
  return (
    <Dialog
      size={680}
      yOffset="2dvh"
      fullScreen={isPhone}
      classNames={{ content: styles['content'] ?? '' }}
      {...props}
    />
  );
}
