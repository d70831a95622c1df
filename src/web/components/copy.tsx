import { Button, type ButtonProps } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from './icons.ts';

interface CopyButtonProps extends ButtonProps {
  readonly text: string;
  readonly label?: string;
}

/** Copies and says that it did. */
export function CopyButton({ text, label = 'Copy', ...props }: CopyButtonProps) {
  const clipboard = useClipboard({ timeout: 2500 });
  return (
    <>
      <Button
        variant="default"
        leftSection={clipboard.copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
        onClick={() => clipboard.copy(text)}
        {...props}
      >
        {clipboard.error !== null ? 'Copy it by hand' : clipboard.copied ? 'Copied' : label}
      </Button>
      <span className="visually-hidden" role="status">
        {clipboard.copied ? 'Copied' : ''}
      </span>
    </>
  );
}
