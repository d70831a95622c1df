import { Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useRef } from 'react';
import type { Script } from '../../contract/scripts.ts';
import type { Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { useFields } from '../components/fields.ts';
import { FormFooter, useSubmit } from '../components/form.tsx';
import { Edited, GuardedFooter, useGuarded } from '../components/guarded.tsx';
import { LeaveGuard } from '../components/leave-guard.tsx';
import { BackLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { NoPermission } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import { ScriptFields } from './script-form.tsx';
import styles from './scripts.module.css';
import {
  NEW_SCRIPT,
  parameterFields,
  SCRIPT_LABELS,
  SCRIPT_RULES,
  scriptChanges,
  valuesOf,
  wishOf,
} from './scripts.ts';

/** Where one goes once it is saved. A page that is left on purpose asks nothing. */
function useDone() {
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

function NewForm() {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  const { isDone, done } = useDone();
  const form = useFields({ initialValues: NEW_SCRIPT, validate: SCRIPT_RULES });
  const saving = useSubmit(
    form,
    async (values) => {
      const script = await api.scripts.create(wishOf(values));
      notifications.show({ message: `The script ${script.name} is there.` });
      await done(script);
    },
    parameterFields(form.values),
  );
  return (
    <>
      <LeaveGuard when={() => form.isDirty() && !isDone.current} />
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="lg">
          <ScriptFields form={form} />
          <Section title="Address">
            <SlugField noun="script" from={form.values.name} {...form.getInputProps('slug')} />
          </Section>
          <div className={styles['save']}>
            <Stack gap="sm">
              <FormFooter
                saving={saving}
                submit="Create script"
                onCancel={() => void navigate({ to: '/scripts', search: {} })}
              />
            </Stack>
          </div>
        </Stack>
      </form>
    </>
  );
}

function EditForm({ loaded }: { readonly loaded: Tagged<Script> }) {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  const { isDone, done } = useDone();
  const { id } = loaded.value;
  const guarded = useGuarded(loaded, () => api.scripts.read(id));
  const form = useFields({ initialValues: valuesOf(loaded.value), validate: SCRIPT_RULES });
  const changes = scriptChanges(guarded.base, form.values);
  const isChanged = Object.keys(changes).length > 0;
  const saving = useSubmit(
    form,
    async () => {
      const script = isChanged
        ? await guarded.save((ifMatch) => api.scripts.update(id, changes, { ifMatch }))
        : guarded.base;
      notifications.show({ message: `Saved ${script.name}, version ${script.version}.` });
      await done(script);
    },
    parameterFields(form.values),
  );
  return (
    <>
      <LeaveGuard when={() => isChanged && !isDone.current} />
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="lg">
          <ScriptFields form={form} />
          <div className={styles['save']}>
            <Stack gap="sm">
              <GuardedFooter
                guarded={guarded}
                saving={saving}
                labels={SCRIPT_LABELS}
                onTakeTheirs={(theirs) => form.setValues(valuesOf(theirs))}
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
      <Page title="New script">{isAdmin ? <NewForm /> : <NoPermission />}</Page>
    </Stack>
  );
}

/** The editor of a script that is there. For owners and admins. */
export function EditScriptPage() {
  const { api, workspace, isAdmin } = useWorkspace();
  const { script: id = '' } = useParams({ strict: false });
  return (
    <Stack gap="md">
      <BackLink to="/scripts/$script" params={{ script: id }}>
        The script
      </BackLink>
      <Page title="Edit script" description="Saving makes a new version of what runs. Runs under way keep theirs.">
        {isAdmin ? (
          <Edited queryKey={[workspace.id, 'scripts', id]} read={(signal) => api.scripts.read(id, { signal })}>
            {(loaded) => <EditForm loaded={loaded} />}
          </Edited>
        ) : (
          <NoPermission />
        )}
      </Page>
    </Stack>
  );
}
