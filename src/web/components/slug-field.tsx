import { TextInput, type TextInputProps } from '@mantine/core';
import { slugOf } from '../../contract/slug.ts';
import { strings } from './strings.ts';

interface SlugFieldProps extends TextInputProps {
  readonly noun: string;
  /** The name from which the slug is derived if the field is empty. */
  readonly sourceName: string;
}

/** The optional slug of a new resource. The placeholder shows the slug derived from the name. */
export function SlugField({ noun, sourceName, ...props }: SlugFieldProps) {
  return (
    <TextInput
      label={strings.slugField.label}
      description={strings.slugField.description(noun)}
      placeholder={sourceName.trim() === '' ? strings.slugField.placeholder : slugOf(sourceName, noun)}
      autoComplete="off"
      spellCheck={false}
      {...props}
    />
  );
}
