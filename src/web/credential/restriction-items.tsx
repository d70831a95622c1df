import { Group } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Restrictions } from '../../contract/restrictions.ts';
import { AppLink, ProjectLink } from '../apps/resource-names.tsx';
import { mono } from '../components/text.tsx';
import { describeRate } from '../restrictions/strings.ts';
import { strings } from './strings.ts';

const texts = strings.restrictionItems;

const linksTo = (Link: typeof AppLink, ids: readonly string[]) => (
  <Group gap="xs">
    {ids.map((id) => (
      <Link key={id} id={id} />
    ))}
  </Group>
);

/** Returns the restrictions that are set on a credential, as items of its details. */
export function restrictionItems({
  addresses,
  projects,
  apps,
  rate,
  maxUses,
}: Restrictions): (readonly [string, ReactNode] | false)[] {
  return [
    addresses.length > 0 && [texts.addresses, mono(addresses.join(', '))],
    projects.length > 0 && [texts.projects, linksTo(ProjectLink, projects)],
    apps.length > 0 && [texts.apps, linksTo(AppLink, apps)],
    rate !== null && [texts.rate, describeRate(rate.requests, rate.seconds)],
    maxUses !== null && [texts.maxUses, maxUses.toLocaleString('en')],
  ];
}
