import { type FormErrors, type UseFormInput, type UseFormReturnType, useForm } from '@mantine/form';
import { useEffect, useId, useState } from 'react';
import { useUnsavedInput } from './unsaved-input.ts';

/** Elements that can be focused within a field that consists of several, such as a radio group or an editable list. */
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
 * Mantine's form, which also focuses the first invalid field once its error is rendered, whether the form or the
 * server rejected it. A field is found by the `data-path` attribute of `getInputProps`, on the field itself or around
 * its parts.
 */
export function useAppForm<Values extends object>(input: UseFormInput<Values>): UseFormReturnType<Values> {
  // A unique name, because another form on the page may have fields of the same name. Mantine accepts only letters and
  // digits.
  const name = useId().replace(/[^0-9A-Za-z]/g, '');
  const form = useForm<Values>({ ...input, name });
  const [invalidFields, setInvalidFields] = useState<FormErrors>({});
  useEffect(() => findFirstInvalidField(name, invalidFields)?.focus(), [name, invalidFields]);
  useUnsavedInput(() => form.isDirty());

  return {
    ...form,
    onSubmit: (handle, refuse) =>
      form.onSubmit(handle, (errors, values, event) => {
        setInvalidFields({ ...errors });
        refuse?.(errors, values, event);
      }),
    setErrors(next) {
      form.setErrors(next);
      if (typeof next !== 'function') setInvalidFields({ ...next });
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
