import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import type { Policy } from '../../contract/policy.ts';
import { EditLoader } from '../components/conditional-edit.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { formatDate } from '../components/format.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, NoPermission, QueryContent } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import type { ShownPolicy } from './policy-form.ts';
import { strings } from './strings.ts';
import { policyQuery } from './use-policy.ts';

const EditPolicy = lazyComponent(() => import('./edit-policy.tsx').then((file) => file.EditPolicy), <BlockSkeleton />);

/** Returns the value of each rule as text. */
function describePolicy(policy: Policy): Readonly<Record<keyof ShownPolicy, string>> {
  const { values } = strings;
  const { maxLifetimeDays, bindsExistingFrom, passphraseScopes } = policy;
  return {
    maxLifetimeDays: maxLifetimeDays === null ? values.noMaximum : values.days(maxLifetimeDays),
    bindsExistingFrom: bindsExistingFrom === null ? values.no : values.from(formatDate(bindsExistingFrom)),
    passphraseScopes: passphraseScopes.length === 0 ? values.none : passphraseScopes.join(', '),
    allowAll: policy.allowAll ? values.yes : values.no,
    requireAddresses: policy.requireAddresses ? values.yes : values.no,
    createdBy: values.createdBy[policy.createdBy],
    requireTwoFactor: policy.requireTwoFactor ? values.yes : values.no,
    unusedAfterDays: values.days(policy.unusedAfterDays),
    onLeak: values.onLeak[policy.onLeak],
    foreignPrefixes: policy.foreignPrefixes.length === 0 ? values.none : policy.foreignPrefixes.join(', '),
  };
}

function ReadOnlyPolicy({ policy }: { readonly policy: Policy }) {
  const values = describePolicy(policy);
  const rules = Object.keys(values) as (keyof ShownPolicy)[];
  return (
    <Section title={strings.policyPage.rulesTitle}>
      <DescriptionList
        items={rules.map((rule) => [
          strings.readLabels[rule],
          <Fragment key={rule}>
            {values[rule]}
            <DimmedText>{strings.rules[rule]}</DimmedText>
          </Fragment>,
        ])}
      />
    </Section>
  );
}

/** The policy of the workspace. The owner can change it; admins can only read it. */
export function PolicyPage() {
  const access = useWorkspace();
  const { workspace, api, isAdmin, isOwner } = access;
  const query = useQuery(policyQuery(access));
  return (
    <Page title={strings.policyPage.title} description={strings.policyPage.description} width="narrow">
      <Stack gap="lg">
        {!isAdmin && <NoPermission />}
        {isAdmin && !isOwner && (
          <QueryContent query={query}>{(policy) => <ReadOnlyPolicy policy={policy} />}</QueryContent>
        )}
        {isOwner && (
          <EditLoader queryKey={[workspace.id, 'policy']} read={(options) => api.policy.read(options)}>
            {(loaded) => <EditPolicy loaded={loaded} />}
          </EditLoader>
        )}
      </Stack>
    </Page>
  );
}
