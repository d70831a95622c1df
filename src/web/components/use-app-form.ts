import { type FormErrors, type UseFormInput, type UseFormReturnType, useForm } from '@mantine/form';
import { useEffect, useId, useState } from 'react';

/** What can take the focus within a field that consists of several: a group of radios, a list with its buttons. */
const FOCUSABLE_SELECTOR = ['input:not([type=hidden])', 'select', 'textarea', 'button']
  .map((selector) => `${selector}:not(:disabled)`)
  .join();

/** The first field on the page, from the top, that one of these errors is about; null where none is in sight. */
function findFirstInvalidField(name: string, errors: FormErrors): HTMLElement | null {
  for (const field of document.querySelectorAll<HTMLElement>(`[data-path^="${name}-"]`)) {
    const isInvalid = Boolean(errors[(field.dataset['path'] ?? '').slice(name.length + 1)]);
    const target = field.matches(FOCUSABLE_SELECTOR) ? field : field.querySelector<HTMLElement>(FOCUSABLE_SELECTOR);
    if (isInvalid && target?.checkVisibility() === true) return target;
  }
  return null;
}

/**
 * Mantine's form, in which the first field that is refused, by its own rules or by the server, takes the focus once
 * what the refusal changes is on the screen. A field is what carries the `data-path` of `getInputProps`, on itself or
 * around its parts.
 */
export function useAppForm<Values extends object>(input: UseFormInput<Values>): UseFormReturnType<Values> {
  // A name of its own: fields of another form on the page may be called the same. It takes letters and digits alone.
  const name = useId().replace(/[^0-9A-Za-z]/g, '');
  const form = useForm<Values>({ ...input, name });
  const [invalidFields, setInvalidFields] = useState<FormErrors>({});
  useEffect(() => findFirstInvalidField(name, invalidFields)?.focus(), [name, invalidFields]);

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

/** What marks a field that is made by hand, so that it takes the focus when it is refused. */
export function fieldPathProps(
  form: { getInputProps(path: string): object },
  path: string,
): { readonly 'data-path': string } {
  const { 'data-path': dataPath = '' }: { readonly 'data-path'?: string } = form.getInputProps(path);
  return { 'data-path': dataPath };
}
