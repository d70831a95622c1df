import { Button, type ButtonProps } from '@mantine/core';
import { useCopy } from './clipboard.ts';
import { IconCheck, IconCopy } from './icons.ts';
import { strings } from './strings.ts';

interface CopyButtonProps extends ButtonProps {
  readonly text: string;
  readonly label?: string;
  /** The element that shows the text. It is selected if the browser does not allow copying. */
  readonly sourceElementId?: string;
}

/** Selects the content of an element so that it can be copied by keyboard. */
function selectContents(id: string | undefined): void {
  const shown = id === undefined ? null : document.getElementById(id);
  if (shown !== null) window.getSelection()?.selectAllChildren(shown);
}

/** Copies the text. If the browser refuses, selects the text and tells the user to copy it by keyboard. */
export function CopyButton({ text, label = strings.copyButton.copy, sourceElementId, ...props }: CopyButtonProps) {
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
        {state === 'failed' ? strings.copyButton.pressToCopy : state === 'copied' ? strings.copyButton.copied : label}
      </Button>
      <span className="visually-hidden" role="status">
        {state === 'copied' ? strings.copyButton.copied : ''}
      </span>
    </>
  );
}
