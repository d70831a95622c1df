import { Text, TextInput } from '@mantine/core';
import { strings } from './strings.ts';

interface ConfirmationInputProps {
  /** The text that the user must type. */
  readonly text: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** Asks the user to type a text before an action that cannot be undone. */
export function ConfirmationInput({ text, value, onChange }: ConfirmationInputProps) {
  return (
    <TextInput
      // A light label makes the text to type stand out.
      labelProps={{ fw: 400 }}
      label={strings.confirmationInput.prompt(
        <Text span inherit fw={650}>
          {text}
        </Text>,
      )}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="off"
      spellCheck={false}
      data-autofocus
    />
  );
}
