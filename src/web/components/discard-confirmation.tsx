import { Text } from '@mantine/core';
import { type ReactNode, useCallback, useRef, useState } from 'react';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { strings } from './strings.ts';

interface DiscardConfirmation {
  /** Records whether the form has unsaved input. */
  readonly setDirty: (isDirty: boolean) => void;
  /** Closes the dialog, after a confirmation if its form has unsaved input. */
  readonly requestClose: () => void;
  /** The confirmation dialog, to be rendered next to the dialog. */
  readonly confirmation: ReactNode;
}

/** Asks for confirmation before Escape or the close button discards the input in a dialog. */
export function useDiscardConfirmation(onClose: () => void): DiscardConfirmation {
  const isDirty = useRef(false);
  const [isConfirming, setIsConfirming] = useState(false);
  return {
    setDirty: useCallback((dirty) => {
      isDirty.current = dirty;
    }, []),
    requestClose: () => (isDirty.current ? setIsConfirming(true) : onClose()),
    confirmation: isConfirming && (
      <ConfirmDialog
        onClose={() => setIsConfirming(false)}
        title={strings.discardConfirmation.title}
        confirmLabel={strings.discardConfirmation.confirmLabel}
        cancelLabel={strings.discardConfirmation.cancelLabel}
        onConfirm={async () => onClose()}
      >
        <Text fz="sm">{strings.discardConfirmation.consequences}</Text>
      </ConfirmDialog>
    ),
  };
}
