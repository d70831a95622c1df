import { type FormErrors, type UseFormInput, type UseFormReturnType, useForm } from '@mantine/form';
import { useEffect, useId, useState } from 'react';

/** What can take the focus within a field that consists of several: a group of radios, a list with its buttons. */
const FOCUSABLE = ['input:not([type=hidden])', 'select', 'textarea', 'button']
  .map((one) => `${one}:not(:disabled)`)
  .join();

/** The first field on the page, from the top, that one of these errors is about; null where none is in sight. */
function firstOf(name: string, errors: FormErrors): HTMLElement | null {
  for (const field of document.querySelectorAll<HTMLElement>(`[data-path^="${name}-"]`)) {
    const isRefused = Boolean(errors[(field.dataset['path'] ?? '').slice(name.length + 1)]);
    const target = field.matches(FOCUSABLE) ? field : field.querySelector<HTMLElement>(FOCUSABLE);
    if (isRefused && target?.checkVisibility() === true) return target;
  }
  return null;
}

/**
 * Mantine's form, in which the first field that is refused, by its own rules or by the server, takes the focus once
 * what the refusal changes is on the screen. A field is what carries the `data-path` of `getInputProps`, on itself or
 * around its parts.
 */
export function useFields<Values extends object>(input: UseFormInput<Values>): UseFormReturnType<Values> {
  // A name of its own: fields of another form on the page may be called the same. It takes letters and digits alone.
  const name = useId().replace(/[^0-9A-Za-z]/g, '');
  const form = useForm<Values>({ ...input, name });
  const [refused, setRefused] = useState<FormErrors>({});
  useEffect(() => firstOf(name, refused)?.focus(), [name, refused]);

  return {
    ...form,
    onSubmit: (handle, refuse) =>
      form.onSubmit(handle, (errors, values, event) => {
        setRefused({ ...errors });
        refuse?.(errors, values, event);
      }),
    setErrors(next) {
      form.setErrors(next);
      if (typeof next !== 'function') setRefused({ ...next });
    },
    setFieldError(field, error) {
      form.setFieldError(field, error);
      setRefused({ [field]: error });
    },
  };
}

/** What marks a field that is made by hand, so that it takes the focus when it is refused. */
export function fieldOf(form: { getInputProps(path: string): object }, path: string): { readonly 'data-path': string } {
  const { 'data-path': mark = '' }: { readonly 'data-path'?: string } = form.getInputProps(path);
  return { 'data-path': mark };
}
