import { Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useRef } from 'react';
import type { Script } from '../../contract/scripts.ts';
import type { Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { ConditionalEditFooter, EditLoader, useEditForm } from '../components/conditional-edit.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { BackLink } from '../components/link.tsx';
import { NavigationBlocker } from '../components/navigation-blocker.tsx';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { NoPermission } from '../components/states.tsx';
import { StickyFooter } from '../components/sticky-footer.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useWorkspace } from '../session.ts';
import { ScriptFields } from './script-fields.tsx';
import {
  NEW_SCRIPT_VALUES,
  parameterErrorFields,
  SCRIPT_LABELS,
  SCRIPT_RULES,
  toCreateRequest,
  toFormValues,
  toRequestFields,
} from './script-form.ts';
import { strings } from './strings.ts';

/**
 * Returns a function that opens the page of a saved script, and the ref `isSaved`, which the function sets so that the
 * navigation blocker does not ask about unsaved changes.
 */
function useSavedRedirect() {
  const { workspace } = useWorkspace();
  const navigate = useNavigate();
  const isSaved = useRef(false);
  return {
    isSaved,
    async redirectToScript(id: string) {
      isSaved.current = true;
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'scripts'] });
      await navigate({ to: '/scripts/$script', params: { script: id }, search: {} });
    },
  };
}

function NewScriptForm() {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  const { isSaved, redirectToScript } = useSavedRedirect();
  const form = useAppForm({ initialValues: NEW_SCRIPT_VALUES, validate: SCRIPT_RULES });
  const saving = useSubmit(
    form,
    async (values) => {
      const script = await api.scripts.create(toCreateRequest(values));
      notifications.show({ message: strings.editScriptPage.created(script.name) });
      await redirectToScript(script.id);
    },
    parameterErrorFields(form.values),
  );
  return (
    <>
      <NavigationBlocker when={() => form.isDirty() && !isSaved.current} />
      <Form gap="lg" onSubmit={form.onSubmit(saving.submit)}>
        <ScriptFields form={form} />
        <Section title={strings.editScriptPage.slug}>
          <SlugField noun="script" sourceName={form.values.name} {...form.getInputProps('slug')} />
        </Section>
        <StickyFooter>
          <FormFooter
            saving={saving}
            submitLabel={strings.editScriptPage.createScript}
            onCancel={() => void navigate({ to: '/scripts', search: {} })}
          />
        </StickyFooter>
      </Form>
    </>
  );
}

function EditScriptForm({ loaded }: { readonly loaded: Tagged<Script> }) {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  const { isSaved, redirectToScript } = useSavedRedirect();
  const { id } = loaded.value;
  const edit = useEditForm({
    loaded,
    read: () => api.scripts.read(id),
    update: (changes, options) => api.scripts.update(id, changes, options),
    toFormValues,
    toRequestFields,
    validate: SCRIPT_RULES,
    errorFields: parameterErrorFields,
    async onSaved(script) {
      if (script !== null) notifications.show({ message: strings.editScriptPage.saved(script.name, script.version) });
      await redirectToScript(id);
    },
  });
  return (
    <>
      <NavigationBlocker when={() => edit.isChanged && !isSaved.current} />
      <Form gap="lg" onSubmit={edit.form.onSubmit(edit.saving.submit)}>
        <ScriptFields form={edit.form} />
        <StickyFooter>
          <ConditionalEditFooter
            edit={edit}
            labels={SCRIPT_LABELS}
            onCancel={() => void navigate({ to: '/scripts/$script', params: { script: id }, search: {} })}
          />
        </StickyFooter>
      </Form>
    </>
  );
}

/** The editor of a new script. For owners and admins. */
export function NewScriptPage() {
  const { isAdmin } = useWorkspace();
  return (
    <Stack gap="md">
      <BackLink to="/scripts">{strings.editScriptPage.backToScripts}</BackLink>
      <Page title={strings.editScriptPage.newTitle}>{isAdmin ? <NewScriptForm /> : <NoPermission />}</Page>
    </Stack>
  );
}

/** The editor of an existing script. For owners and admins. */
export function EditScriptPage() {
  const { api, workspace, isAdmin } = useWorkspace();
  const { script: id = '' } = useParams({ strict: false });
  return (
    <Stack gap="md">
      <BackLink to="/scripts/$script" params={{ script: id }}>
        {strings.editScriptPage.backToScript}
      </BackLink>
      <Page title={strings.editScriptPage.editTitle} description={strings.editScriptPage.editDescription}>
        {isAdmin ? (
          <EditLoader queryKey={[workspace.id, 'scripts', id]} read={(options) => api.scripts.read(id, options)}>
            {(loaded) => <EditScriptForm loaded={loaded} />}
          </EditLoader>
        ) : (
          <NoPermission />
        )}
      </Page>
    </Stack>
  );
}
