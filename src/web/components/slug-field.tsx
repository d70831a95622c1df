import { TextInput, type TextInputProps } from '@mantine/core';
import { slugOf } from '../../contract/slug.ts';

interface SlugFieldProps extends TextInputProps {
  readonly noun: string;
  /** The name it is made from unless it is given. */
  readonly from: string;
}

/** The slug of something new: optional, and shown as it would be. */
export function SlugField({ noun, from, ...props }: SlugFieldProps) {
  return (
    <TextInput
      label="Slug (optional)"
      description={`Names the ${noun} in addresses, the CLI and the API. It stays, whatever the name becomes.`}
      placeholder={from.trim() === '' ? `made from the name` : slugOf(from, noun)}
      autoComplete="off"
      spellCheck={false}
      {...props}
    />
  );
}
