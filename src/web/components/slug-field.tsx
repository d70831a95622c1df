import { TextInput, type TextInputProps } from '@mantine/core';
import { slugOf } from '../../contract/slug.ts';

interface SlugFieldProps extends TextInputProps {
  readonly noun: string;
  /** The name it is made from unless it is given. */
  readonly sourceName: string;
}

/** The slug of something new: optional, and shown as it would be. */
export function SlugField({ noun, sourceName, ...props }: SlugFieldProps) {
  return (
    <TextInput
      label="Slug (optional)"
      description={`Identifies the ${noun} in URLs, the CLI and the API. It does not change when you rename the ${noun}.`}
      placeholder={sourceName.trim() === '' ? `generated from the name` : slugOf(sourceName, noun)}
      autoComplete="off"
      spellCheck={false}
      {...props}
    />
  );
}
