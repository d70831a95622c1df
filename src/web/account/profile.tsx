import { TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { api, queryClient } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { Section } from '../components/section.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { meQuery, useMe } from '../session.ts';
import { validatePersonName } from '../validation.ts';

/** The name that others see. The email address identifies the account and cannot be changed. */
export function ProfileSection() {
  const me = useMe();
  const form = useAppForm({ initialValues: { name: me.name }, validate: { name: validatePersonName } });
  const saving = useSubmit(form, async ({ name }) => {
    const person = await api.me.update({ name });
    queryClient.setQueryData(meQuery.queryKey, person);
    form.setInitialValues({ name: person.name });
    form.reset();
    notifications.show({ message: 'Name changed' });
  });
  return (
    <Section title="Profile" description="Others see your name next to what you create and change.">
      <Form onSubmit={form.onSubmit(saving.submit)}>
        <TextInput label="Name" autoComplete="name" {...form.getInputProps('name')} />
        <TextInput
          label="Email"
          description="You sign in with this address. It cannot be changed."
          value={me.email}
          variant="filled"
          readOnly
        />
        <FormFooter saving={saving} submitLabel="Save name" disabled={!form.isDirty()} />
      </Form>
    </Section>
  );
}
