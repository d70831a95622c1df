import { type FormErrors, type UseFormInput, type UseFormReturnType, useForm } from '@mantine/form';
import { useEffect, useId, useState } from 'react';
import { useUnsavedInput } from './unsaved-input.ts';

/** Selects the focusable elements of a field with several of them, such as a radio group or an editable list. */
const FOCUSABLE_SELECTOR = ['input:not([type=hidden])', 'select', 'textarea', 'button']
  .map((selector) => `${selector}:not(:disabled)`)
  .join();

/** Returns the topmost visible field that has one of these errors; null if there is none. */
function findFirstInvalidField(name: string, errors: FormErrors): HTMLElement | null {
  for (const field of document.querySelectorAll<HTMLElement>(`[data-path^="${name}-"]`)) {
    const isInvalid = Boolean(errors[(field.dataset['path'] ?? '').slice(name.length + 1)]);
    const target = field.matches(FOCUSABLE_SELECTOR) ? field : field.querySelector<HTMLElement>(FOCUSABLE_SELECTOR);
    if (isInvalid && target?.checkVisibility() === true) return target;
  }
  return null;
}

/**
 * Mantine's form. In addition, it focuses the first invalid field after the form or the server has rejected the values.
 * A field is found by the `data-path` attribute that `getInputProps` returns. The attribute is on the field itself or,
 * if the field has several parts, on the element around them.
 */
export function useAppForm<Values extends object>(input: UseFormInput<Values>): UseFormReturnType<Values> {
  // A unique name, because another form on the page can have fields of the same name. Mantine accepts only letters and
  // digits.
  const name = useId().replace(/[^0-9A-Za-z]/g, '');
  const form = useForm<Values>({ ...input, name });
  const [invalidFields, setInvalidFields] = useState<FormErrors>({});
  useEffect(() => findFirstInvalidField(name, invalidFields)?.focus(), [name, invalidFields]);
  useUnsavedInput(() => form.isDirty());

  return {
    ...form,
    onSubmit: (handleValid, handleInvalid) =>
      form.onSubmit(handleValid, (errors, values, event) => {
        setInvalidFields({ ...errors });
        handleInvalid?.(errors, values, event);
      }),
    setErrors(errors) {
      form.setErrors(errors);
      if (typeof errors !== 'function') setInvalidFields({ ...errors });
    },
    setFieldError(field, error) {
      form.setFieldError(field, error);
      setInvalidFields({ [field]: error });
    },
  };
}

/** Attributes that mark a custom field, so that it is focused when it is invalid. */
export function fieldPathProps(
  form: { getInputProps(path: string): object },
  path: string,
): { readonly 'data-path': string } {
  const { 'data-path': dataPath = '' }: { readonly 'data-path'?: string } = form.getInputProps(path);
  return { 'data-path': dataPath };
}
