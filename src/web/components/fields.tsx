import {
  NumberInput,
  type NumberInputProps,
  Textarea,
  type TextareaProps,
  TextInput,
  type TextInputProps,
} from '@mantine/core';
import { countCodePoints } from '../validation.ts';
import { strings } from './strings.ts';

/** A field for a path, an address or other text that is not prose. */
export const PlainTextInput = (props: TextInputProps) => <TextInput autoComplete="off" spellCheck={false} {...props} />;

export const NameInput = (props: TextInputProps) => (
  <TextInput label={strings.fields.name} autoComplete="off" data-autofocus {...props} />
);

interface IntegerInputProps extends NumberInputProps {
  readonly limits: { readonly min: number; readonly max?: number };
}

/** A field for a whole number. A number outside the limits stays, so that the form can report it. */
export const IntegerInput = ({ limits, ...props }: IntegerInputProps) => (
  <NumberInput {...limits} clampBehavior="none" allowDecimal={false} hideControls {...props} />
);

/** A field for commands or other text in the monospace font, which grows with its content. */
export const CodeInput = (props: TextareaProps) => (
  <Textarea autosize autoComplete="off" spellCheck={false} classNames={{ input: 'mono' }} {...props} />
);

interface DescriptionInputProps extends Omit<TextareaProps, 'value'> {
  readonly maxLength: number;
  readonly value?: string;
}

/** An optional description, with the number of characters below it. */
export const DescriptionInput = ({ maxLength, value = '', ...props }: DescriptionInputProps) => (
  <Textarea
    label={strings.fields.descriptionLabel}
    autosize
    minRows={2}
    maxRows={6}
    inputWrapperOrder={['label', 'input', 'error', 'description']}
    description={strings.fields.charactersUsed(countCodePoints(value), maxLength)}
    value={value}
    {...props}
  />
);
