import { Button, Group, Stack, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { api, getErrorMessage, getFieldErrors, queryClient } from '../api.ts';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { meQuery, useMe } from '../session.ts';
import { validatePersonName } from '../validation.ts';

/** The name that others see. The email address identifies the account and cannot be changed. */
export function ProfileSection() {
  const me = useMe();
  const form = useAppForm({ initialValues: { name: me.name }, validate: { name: validatePersonName } });
  const save = useMutation({
    mutationFn: (name: string) => api.me.update({ name }),
    onError: (error) => form.setErrors(getFieldErrors(error) ?? {}),
    onSuccess: (person) => {
      queryClient.setQueryData(meQuery.queryKey, person);
      form.setInitialValues({ name: person.name });
      form.reset();
      notifications.show({ message: 'Name changed' });
    },
  });
  return (
    <Section title="Profile" description="Others see your name next to what you create and change.">
      <form noValidate onSubmit={form.onSubmit(({ name }) => save.mutate(name))}>
        <Stack gap="md">
          <TextInput label="Name" autoComplete="name" {...form.getInputProps('name')} />
          <TextInput
            label="Email"
            description="You sign in with this address. It cannot be changed."
            value={me.email}
            variant="filled"
            readOnly
          />
          {save.error !== null && getFieldErrors(save.error) === null && (
            <Notice tone="bad">{getErrorMessage(save.error)}</Notice>
          )}
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending} disabled={!form.isDirty()}>
              Save name
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
