import { TextInput, type TextInputProps } from '@mantine/core';
import { slugOf } from '../../contract/slug.ts';

interface SlugFieldProps extends TextInputProps {
  readonly noun: string;
  /** The name from which the slug is derived if the field is empty. */
  readonly sourceName: string;
}

/** The optional slug of a new resource. The placeholder shows the slug derived from the name. */
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
