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
  const element = id === undefined ? null : document.getElementById(id);
  if (element !== null) window.getSelection()?.selectAllChildren(element);
}

/** A button that copies the text or, if the browser does not allow it, selects the text for copying by keyboard. */
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
