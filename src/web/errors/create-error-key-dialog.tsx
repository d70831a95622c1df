import { NativeSelect, Textarea } from '@mantine/core';
import { isOrigin, ORIGIN_MESSAGE } from '../../contract/origin.ts';
import { useApps } from '../apps/resource-names.tsx';
import { NameInput } from '../components/fields.tsx';
import { toOptions } from '../components/filters.tsx';
import { CreateResourceDialog } from '../components/resource-dialogs.tsx';
import { useWorkspace } from '../session.ts';
import { validateName } from '../validation.ts';
import { strings } from './strings.ts';

type ErrorKeyFormValues = { readonly name: string; readonly app: string; readonly origins: string };

/** Splits a text into origins, which are separated by spaces, commas or line breaks. */
export const parseOrigins = (text: string): string[] => text.split(/[\s,]+/).filter((origin) => origin !== '');

/** Returns the validation error of the origins, or null. */
export function validateOrigins(text: string): string | null {
  const invalid = parseOrigins(text).find((origin) => !isOrigin(origin));
  return invalid === undefined ? null : `${invalid} ${ORIGIN_MESSAGE}`;
}

/** Creates an error key, which can only submit errors. */
export function CreateErrorKeyDialog({ onClose }: { readonly onClose: () => void }) {
  const { api } = useWorkspace();
  const apps = useApps();
  return (
    <CreateResourceDialog<ErrorKeyFormValues, { id: string; name: string }>
      noun="error key"
      initial={{ name: '', app: '', origins: '' }}
      validate={{ name: validateName, origins: validateOrigins }}
      renderFields={(form) => (
        <>
          <NameInput placeholder={strings.createErrorKeyDialog.namePlaceholder} {...form.getInputProps('name')} />
          <NativeSelect
            label={strings.createErrorKeyDialog.appOptional}
            description={strings.createErrorKeyDialog.appOptionalDescription}
            data={[{ value: '', label: strings.createErrorKeyDialog.asReported }, ...toOptions(apps)]}
            {...form.getInputProps('app')}
          />
          <Textarea
            label={strings.createErrorKeyDialog.allowedOriginsOptional}
            description={strings.createErrorKeyDialog.allowedOriginsOptionalDescription}
            placeholder={strings.createErrorKeyDialog.allowedOriginsOptionalPlaceholder}
            autosize
            minRows={2}
            maxRows={8}
            {...form.getInputProps('origins')}
          />
        </>
      )}
      create={({ name, app, origins }) =>
        api.errors.keys.create({ name, ...(app !== '' && { app }), allowedOrigins: parseOrigins(origins) })
      }
      onClose={onClose}
      onCreated={() => undefined}
    />
  );
}
