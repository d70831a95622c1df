import { TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { api, queryClient } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { Section } from '../components/section.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { meQuery, useMe } from '../session.ts';
import { validatePersonName } from '../validation.ts';
import { strings } from './strings.ts';

/** The name that others see. The email address identifies the account and cannot be changed. */
export function ProfileSection() {
  const me = useMe();
  const form = useAppForm({ initialValues: { name: me.name }, validate: { name: validatePersonName } });
  const saving = useSubmit(form, async ({ name }) => {
    const person = await api.me.update({ name });
    queryClient.setQueryData(meQuery.queryKey, person);
    form.setInitialValues({ name: person.name });
    form.reset();
    notifications.show({ message: strings.profile.nameChanged });
  });
  return (
    <Section title={strings.profile.title} description={strings.profile.description}>
      <Form onSubmit={form.onSubmit(saving.submit)}>
        <TextInput label={strings.profile.name} autoComplete="name" {...form.getInputProps('name')} />
        <TextInput
          label={strings.profile.email}
          description={strings.profile.emailDescription}
          value={me.email}
          variant="filled"
          readOnly
        />
        <FormFooter saving={saving} submitLabel={strings.profile.saveName} disabled={!form.isDirty()} />
      </Form>
    </Section>
  );
}
