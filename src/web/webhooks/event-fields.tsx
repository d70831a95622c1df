import { Checkbox, Input, SimpleGrid, Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { WEBHOOK_EVENT_FAMILIES } from '../../contract/event-names.ts';
import { FormSection } from '../components/form-section.tsx';
import { fieldPathProps } from '../components/use-app-form.ts';
import { strings } from './strings.ts';
import { type Family, getFamilyEvents, type WebhookFormValues } from './webhook-form.ts';

interface EventFieldsProps {
  readonly form: UseFormReturnType<WebhookFormValues>;
}

function FamilyFields({ form, family }: EventFieldsProps & { readonly family: Family }) {
  const isFamilySelected = form.values.events.includes(family);
  return (
    <FormSection title={strings.families[family]}>
      <Stack gap="xs">
        <Checkbox value={family} label={strings.fields.all} />
        <SimpleGrid cols={{ base: 1, xs: 2, sm: 3 }} spacing="xs" verticalSpacing="xs" pl="lg">
          {getFamilyEvents(family).map((event) =>
            isFamilySelected ? (
              // Not a value of the checkbox group: checked only because the whole family is selected.
              <Checkbox key={`${event} of all`} label={strings.events[event]} checked disabled readOnly value="" />
            ) : (
              <Checkbox key={event} value={event} label={strings.events[event]} />
            ),
          )}
        </SimpleGrid>
      </Stack>
    </FormSection>
  );
}

/** Selects the events that a webhook sends, grouped by family. */
export function EventFields({ form }: EventFieldsProps) {
  const error = form.errors['events'];
  return (
    <Checkbox.Group
      value={[...form.values.events]}
      onChange={(events) => form.setFieldValue('events', events)}
      {...fieldPathProps(form, 'events')}
    >
      <Stack gap="md">
        <FormSection title={strings.fields.events}>
          <Checkbox value="audit.event" label={strings.events['audit.event']} description={strings.fields.orderHint} />
        </FormSection>
        {WEBHOOK_EVENT_FAMILIES.map((family) => (
          <FamilyFields key={family} form={form} family={family} />
        ))}
        {error !== undefined && <Input.Error role="alert">{error}</Input.Error>}
      </Stack>
    </Checkbox.Group>
  );
}
