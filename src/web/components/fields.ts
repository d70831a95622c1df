import { type FormErrors, type UseFormInput, type UseFormReturnType, useForm } from '@mantine/form';
import { useId } from 'react';

/**
 * Mantine's form, in which the first field that is refused, by its own rules or by the server, takes the focus.
 * The fields are in the order of `initialValues`.
 */
export function useFields<Values extends object>(
  input: UseFormInput<Values> & { readonly initialValues: Values },
): UseFormReturnType<Values> {
  // A name of its own: fields of another form on the page may be called the same. It takes letters and digits alone.
  const form = useForm<Values>({ name: useId().replace(/[^0-9A-Za-z]/g, ''), ...input });

  function focusFirst(errors: FormErrors): void {
    const first = Object.keys(input.initialValues).find((field) => Boolean(errors[field]));
    if (first !== undefined) form.getInputNode(first)?.focus();
  }

  return {
    ...form,
    onSubmit: (handle, refuse) =>
      form.onSubmit(handle, (errors, values, event) => {
        focusFirst(errors);
        refuse?.(errors, values, event);
      }),
    setErrors(next) {
      form.setErrors(next);
      if (typeof next !== 'function') focusFirst(next);
    },
    setFieldError(field, error) {
      form.setFieldError(field, error);
      focusFirst({ [field]: error });
    },
  };
}
