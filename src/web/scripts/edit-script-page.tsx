import { Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useRef } from 'react';
import type { Script } from '../../contract/scripts.ts';
import type { Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { ConditionalEditFooter, EditLoader, useConditionalEdit } from '../components/conditional-edit.tsx';
import { FormFooter, useSubmit } from '../components/form.tsx';
import { BackLink } from '../components/link.tsx';
import { NavigationBlocker } from '../components/navigation-blocker.tsx';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { NoPermission } from '../components/states.tsx';
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
  toUpdateRequest,
} from './script-form.ts';
import styles from './scripts.module.css';

/**
 * Returns a function that opens the saved script's page. `isDone` tells the navigation blocker that nothing is
 * unsaved.
 */
function useSavedRedirect() {
  const { workspace } = useWorkspace();
  const navigate = useNavigate();
  const isDone = useRef(false);
  return {
    isDone,
    async done({ id }: Script) {
      isDone.current = true;
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'scripts'] });
      await navigate({ to: '/scripts/$script', params: { script: id }, search: {} });
    },
  };
}

function NewScriptForm() {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  const { isDone, done: redirectToScript } = useSavedRedirect();
  const form = useAppForm({ initialValues: NEW_SCRIPT_VALUES, validate: SCRIPT_RULES });
  const saving = useSubmit(
    form,
    async (values) => {
      const script = await api.scripts.create(toCreateRequest(values));
      notifications.show({ message: `Script ${script.name} created` });
      await redirectToScript(script);
    },
    parameterErrorFields(form.values),
  );
  return (
    <>
      <NavigationBlocker when={() => form.isDirty() && !isDone.current} />
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="lg">
          <ScriptFields form={form} />
          <Section title="Slug">
            <SlugField noun="script" sourceName={form.values.name} {...form.getInputProps('slug')} />
          </Section>
          <div className={styles['save']}>
            <Stack gap="sm">
              <FormFooter
                saving={saving}
                submitLabel="Create script"
                onCancel={() => void navigate({ to: '/scripts', search: {} })}
              />
            </Stack>
          </div>
        </Stack>
      </form>
    </>
  );
}

function EditScriptForm({ loaded }: { readonly loaded: Tagged<Script> }) {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  const { isDone, done: redirectToScript } = useSavedRedirect();
  const { id } = loaded.value;
  const edit = useConditionalEdit(loaded, () => api.scripts.read(id));
  const form = useAppForm({ initialValues: toFormValues(loaded.value), validate: SCRIPT_RULES });
  const changes = toUpdateRequest(edit.base, form.values);
  const isChanged = Object.keys(changes).length > 0;
  const saving = useSubmit(
    form,
    async () => {
      const script = isChanged ? await edit.save((ifMatch) => api.scripts.update(id, changes, { ifMatch })) : edit.base;
      notifications.show({ message: `Script ${script.name} saved as version ${script.version}` });
      await redirectToScript(script);
    },
    parameterErrorFields(form.values),
  );
  return (
    <>
      <NavigationBlocker when={() => isChanged && !isDone.current} />
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="lg">
          <ScriptFields form={form} />
          <div className={styles['save']}>
            <Stack gap="sm">
              <ConditionalEditFooter
                edit={edit}
                saving={saving}
                labels={SCRIPT_LABELS}
                onTakeTheirs={(theirs) => form.setValues(toFormValues(theirs))}
                onCancel={() => void navigate({ to: '/scripts/$script', params: { script: id }, search: {} })}
              />
            </Stack>
          </div>
        </Stack>
      </form>
    </>
  );
}

/** The editor of a new script. For owners and admins. */
export function NewScriptPage() {
  const { isAdmin } = useWorkspace();
  return (
    <Stack gap="md">
      <BackLink to="/scripts">Scripts</BackLink>
      <Page title="New script">{isAdmin ? <NewScriptForm /> : <NoPermission />}</Page>
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
        Script
      </BackLink>
      <Page
        title="Edit script"
        description="Saving creates a new version. Runs in progress keep the version they started with."
      >
        {isAdmin ? (
          <EditLoader queryKey={[workspace.id, 'scripts', id]} read={(signal) => api.scripts.read(id, { signal })}>
            {(loaded) => <EditScriptForm loaded={loaded} />}
          </EditLoader>
        ) : (
          <NoPermission />
        )}
      </Page>
    </Stack>
  );
}
