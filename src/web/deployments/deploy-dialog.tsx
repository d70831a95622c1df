import { Button, Checkbox, Collapse, Group, Radio, SegmentedControl, Stack, Switch, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { useId } from 'react';
import type { App } from '../../contract/apps.ts';
import type { Deployment } from '../../contract/deployments.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { STRATEGIES } from '../../contract/platform-vocabulary.ts';
import { queryClient } from '../api.ts';
import { useProjectsAndServers } from '../apps/resource-names.tsx';
import { Dialog } from '../components/dialog.tsx';
import { IntegerInput, PlainTextInput } from '../components/fields.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { IconChevronDown, IconChevronUp } from '../components/icons.ts';
import { isolate } from '../components/sentence.ts';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useWorkspace } from '../session.ts';
import {
  DEPLOY_RULES,
  type DeployFormValues,
  initialFormValues,
  SOURCES,
  STRATEGY_TEXTS,
  toCreateRequest,
} from './deploy-form.ts';
import { strings } from './strings.ts';

interface FieldsProps {
  readonly app: App;
  readonly form: UseFormReturnType<DeployFormValues>;
}

function SourceFields({ form }: Pick<FieldsProps, 'form'>) {
  return (
    <>
      <SegmentedControl
        aria-label={strings.deployDialog.deployFrom}
        data={SOURCES.map((value) => ({ value, label: strings.deployDialog[value] }))}
        value={form.values.source}
        onChange={(source) => form.setFieldValue('source', SOURCES.find((value) => value === source) ?? 'branch')}
      />
      {form.values.source === 'branch' && (
        <PlainTextInput label={strings.deployDialog.branch} data-autofocus {...form.getInputProps('branch')} />
      )}
      {form.values.source === 'tag' && (
        <PlainTextInput
          label={strings.deployDialog.tag}
          description={strings.deployDialog.tagDescription}
          placeholder={strings.deployDialog.tagPlaceholder}
          {...form.getInputProps('tag')}
        />
      )}
      {form.values.source === 'commit' && (
        <PlainTextInput
          label={strings.deployDialog.commit}
          placeholder={strings.deployDialog.commitPlaceholder}
          classNames={{ input: 'mono' }}
          {...form.getInputProps('commit')}
        />
      )}
    </>
  );
}

function StrategyFields({ form }: Pick<FieldsProps, 'form'>) {
  return (
    <>
      <Radio.Group label={strings.deployDialog.strategy} {...form.getInputProps('strategy')}>
        <Stack gap="xs" mt={4}>
          {STRATEGIES.map((strategy) => (
            <Radio
              key={strategy}
              value={strategy}
              label={STRATEGY_TEXTS[strategy].label}
              description={STRATEGY_TEXTS[strategy].description}
            />
          ))}
        </Stack>
      </Radio.Group>
      {form.values.strategy === 'rolling' && (
        <Group gap="md" align="flex-start">
          <IntegerInput
            label={strings.deployDialog.serversAtATime}
            limits={{ min: 1, max: RESOURCE_LIMITS.deploymentServers }}
            flex="1 1 140px"
            {...form.getInputProps('batchSize')}
          />
          <IntegerInput
            label={strings.deployDialog.pauseBetweenBatchesSeconds}
            limits={{ min: 0, max: RESOURCE_LIMITS.pauseSeconds }}
            flex="1 1 140px"
            {...form.getInputProps('pauseSeconds')}
          />
        </Group>
      )}
    </>
  );
}

function AdvancedFields({ app, form }: FieldsProps) {
  const { servers } = useProjectsAndServers();
  return (
    <Stack gap="md">
      <Checkbox.Group label={strings.deployDialog.servers} {...form.getInputProps('servers')}>
        <Stack gap="xs" mt={4}>
          {servers.map(({ id, name }) => (
            <Checkbox
              key={id}
              value={id}
              label={id === app.serverId ? strings.deployDialog.appDefault(name) : isolate(name)}
            />
          ))}
        </Stack>
      </Checkbox.Group>
      <StrategyFields form={form} />
      {app.hooks.length > 0 && (
        <Checkbox.Group label={strings.deployDialog.skipHooks} {...form.getInputProps('skipHooks')}>
          <Stack gap="xs" mt={4}>
            {app.hooks.map(({ name }) => (
              <Checkbox key={name} value={name} label={isolate(name)} />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
      <TextInput
        type="datetime-local"
        label={strings.deployDialog.startAtOptional}
        description={strings.deployDialog.startAtOptionalDescription}
        {...form.getInputProps('scheduledAt')}
      />
      <Switch
        label={strings.deployDialog.requireApproval}
        description={strings.deployDialog.requireApprovalDescription}
        {...form.getInputProps('approval', { type: 'checkbox' })}
      />
      <Switch
        label={strings.deployDialog.cancelQueued}
        description={strings.deployDialog.cancelQueuedDescription}
        {...form.getInputProps('replace', { type: 'checkbox' })}
      />
    </Stack>
  );
}

interface DeployDialogProps {
  readonly app: App;
  /** The deployment to repeat, if any. */
  readonly previous?: Deployment | undefined;
  readonly onClose: () => void;
}

/** Deploys a branch, tag or commit of an app. The other options are collapsed unless one needs to be set or checked. */
export function DeployDialog({ app, previous, onClose }: DeployDialogProps) {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const id = useId();
  const form = useAppForm({ initialValues: initialFormValues(app, previous), validate: DEPLOY_RULES });
  const [isExpanded, { toggle }] = useDisclosure(
    app.serverId === null || Object.keys(previous?.overrides ?? {}).length > 0,
  );
  // The options are expanded while one of them is invalid.
  const showsOptions =
    isExpanded || Object.keys(form.errors).some((field) => !SOURCES.some((source) => source === field));
  const saving = useSubmit(form, async (values) => {
    const deployment = await api.deployments.create(app.id, toCreateRequest(app, values));
    notifications.show({ message: strings.deployDialog.requested(app.name) });
    onClose();
    void queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
    await navigate({ to: '/deployments/$id', params: { id: deployment.id }, search: {} });
  });
  return (
    <Dialog
      onClose={onClose}
      title={previous === undefined ? strings.deployDialog.title(app.name) : strings.deployDialog.againTitle(app.name)}
      size="lg"
    >
      <Form onSubmit={form.onSubmit(saving.submit)}>
        <SourceFields form={form} />
        <Group>
          <Button
            variant="subtle"
            size="compact-sm"
            rightSection={showsOptions ? <IconChevronUp size={14} /> : <IconChevronDown size={14} />}
            aria-expanded={showsOptions}
            aria-controls={id}
            onClick={toggle}
          >
            {strings.deployDialog.moreOptions}
          </Button>
        </Group>
        <div id={id}>
          <Collapse expanded={showsOptions} transitionDuration={0}>
            <AdvancedFields app={app} form={form} />
          </Collapse>
        </div>
        {previous?.overrides.healthCheck !== undefined && (
          <DimmedText>{strings.deployDialog.healthCheckNotRepeated}</DimmedText>
        )}
        <FormFooter saving={saving} submitLabel={strings.deployDialog.deploy} onCancel={onClose} />
      </Form>
    </Dialog>
  );
}
