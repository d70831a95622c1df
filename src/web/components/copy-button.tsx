import { Button, type ButtonProps } from '@mantine/core';
import { useEffect } from 'react';
import { type CopyState, useCopy } from './clipboard.ts';
import { IconCheck, IconCopy } from './icons.ts';
import { IS_APPLE } from './keyboard.ts';
import { strings } from './strings.ts';

const PRESS_TO_COPY = IS_APPLE ? strings.copyButton.pressToCopyApple : strings.copyButton.pressToCopy;

interface CopyButtonProps extends ButtonProps {
  readonly text: string;
  readonly label?: string;
  /** The ID of the element that shows the text. Its content is selected if the browser does not allow copying. */
  readonly sourceElementId?: string;
}

/** Selects the content of an element so that it can be copied by keyboard. */
function selectContent(id: string): void {
  const element = document.getElementById(id);
  if (element !== null) window.getSelection()?.selectAllChildren(element);
}

/**
 * A button that copies the text. If the browser does not allow copying, selects the content of the source element, if
 * any, so that the user can copy it by keyboard.
 */
export function CopyButton({ text, label = strings.copyButton.copy, sourceElementId, ...props }: CopyButtonProps) {
  const { state, copy } = useCopy(text);
  useEffect(() => {
    if (state === 'failed' && sourceElementId !== undefined) selectContent(sourceElementId);
  }, [state, sourceElementId]);
  const labels: Readonly<Record<CopyState, string>> = {
    idle: label,
    copied: strings.copyButton.copied,
    failed: sourceElementId === undefined ? strings.copyButton.failed : PRESS_TO_COPY,
  };
  return (
    <>
      <Button
        variant="default"
        leftSection={state === 'copied' ? <IconCheck size={16} /> : <IconCopy size={16} />}
        onClick={copy}
        {...props}
      >
        {labels[state]}
      </Button>
      <span className="visually-hidden" role="status">
        {state === 'idle' ? '' : labels[state]}
      </span>
    </>
  );
}
