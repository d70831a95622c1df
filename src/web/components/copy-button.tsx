import { Button, type ButtonProps } from '@mantine/core';
import { useCopy } from './clipboard.ts';
import { IconCheck, IconCopy } from './icons.ts';

interface CopyButtonProps extends ButtonProps {
  readonly text: string;
  readonly label?: string;
  /** The element that shows the text: selected where the browser does not allow copying. */
  readonly sourceElementId?: string;
}

/** Selects what an element shows, so that it can be copied by keyboard. */
function selectContents(id: string | undefined): void {
  const shown = id === undefined ? null : document.getElementById(id);
  if (shown !== null) window.getSelection()?.selectAllChildren(shown);
}

/** Copies and says that it did; where the browser refuses, selects the text and says how to copy it. */
export function CopyButton({ text, label = 'Copy', sourceElementId, ...props }: CopyButtonProps) {
  const { state, copy } = useCopy(text);
  if (state === 'failed') selectContents(sourceElementId);
  return (
    <>
      <Button
        variant="default"
        leftSection={state === 'copied' ? <IconCheck size={16} /> : <IconCopy size={16} />}
        onClick={copy}
        {...props}
      >
        {state === 'failed' ? 'Press Ctrl+C to copy' : state === 'copied' ? 'Copied' : label}
      </Button>
      <span className="visually-hidden" role="status">
        {state === 'copied' ? 'Copied' : ''}
      </span>
    </>
  );
}
