import { ActionIcon, Anchor, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, type LinkProps } from '@tanstack/react-router';
import { useId } from 'react';
import type { AuditEvent } from '../../contract/audit-events.ts';
import { formatDateTime } from '../components/format.ts';
import {
  IconActivity,
  IconAlertTriangle,
  IconAppWindow,
  IconArchive,
  IconBug,
  IconBuilding,
  IconChevronDown,
  type IconComponent,
  IconFingerprint,
  IconFolder,
  IconKey,
  IconMail,
  IconPlayerPlay,
  IconRocket,
  IconServer,
  IconTerminal2,
  IconTicket,
  IconUser,
  IconUsers,
  IconVariable,
} from '../components/icons.ts';
import { useWorkspace } from '../session.ts';
import styles from './activity-log.module.css';
import { EventDetails } from './event-details.tsx';
import { toSentence } from './sentence.ts';
import type { SentencePart } from './sentence-parts.ts';
import { strings } from './strings.ts';

const ICONS: Readonly<Record<string, IconComponent>> = {
  access_token: IconTicket,
  api_key: IconKey,
  person: IconUser,
  session: IconUser,
  passkey: IconFingerprint,
  member: IconUsers,
  invitation: IconMail,
  workspace: IconBuilding,
  device: IconTerminal2,
  project: IconFolder,
  app: IconAppWindow,
  env: IconVariable,
  server: IconServer,
  error_issue: IconBug,
  deployment: IconRocket,
  script: IconTerminal2,
  run: IconPlayerPlay,
  backup: IconArchive,
};
const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Denied and failed actions, which the list highlights. */
const isFailure = ({ action }: AuditEvent) => /\.(?:denied|failed|passphrase_failed)$/.test(action);

/** The pages of actors, targets and credentials. A deleted credential still has a page, which shows its activity. */
const PARTY_ROUTES: Readonly<Record<string, { readonly to: NonNullable<LinkProps['to']>; readonly param: string }>> = {
  access_token: { to: '/settings/access-tokens/$id', param: 'id' },
  api_key: { to: '/settings/api-keys/$id', param: 'id' },
  project: { to: '/projects/$project', param: 'project' },
  app: { to: '/apps/$app', param: 'app' },
  server: { to: '/servers/$server', param: 'server' },
  deployment: { to: '/deployments/$id', param: 'id' },
  script: { to: '/scripts/$script', param: 'script' },
  run: { to: '/runs/$id', param: 'id' },
  error_issue: { to: '/errors/$id', param: 'id' },
};
const isCredential = (kind: string) => kind === 'access_token' || kind === 'api_key';

interface PartyLinkProps {
  readonly route: { readonly to: NonNullable<LinkProps['to']>; readonly param: string };
  readonly id: string;
  readonly text: string;
}

function PartyLink({ route, id, text }: PartyLinkProps) {
  const { workspace } = useWorkspace();
  return (
    <Anchor
      inherit
      fw={600}
      renderRoot={(props) => (
        <Link
          to={route.to}
          // The router's types accept only parameters that are known when the code is compiled.
          params={{ [route.param]: id } as never}
          search={{ workspace: workspace.slug } as never}
          {...props}
        />
      )}
    >
      <bdi>{text}</bdi>
    </Anchor>
  );
}

function SentencePartView({ part, event }: { readonly part: SentencePart; readonly event: AuditEvent }) {
  if (part.role === undefined) return part.text;
  if (part.role === 'value') return <bdi className={styles['value']}>{part.text}</bdi>;
  const party = event[part.role];
  const route = PARTY_ROUTES[party?.kind ?? ''];
  const isDeleted = part.role === 'target' && event.action.endsWith('.deleted');
  if (party != null && party.id !== null && route !== undefined && (!isDeleted || isCredential(party.kind))) {
    return <PartyLink route={route} id={party.id} text={part.text} />;
  }
  return (
    <b>
      <bdi>{part.text}</bdi>
    </b>
  );
}

/** An event: a sentence, its origin and time, and the details when expanded. */
export function EventRow({ event }: { readonly event: AuditEvent }) {
  const [opened, { toggle }] = useDisclosure();
  const id = useId();
  const failed = isFailure(event);
  const Icon = failed ? IconAlertTriangle : (ICONS[event.action.split('.')[0] ?? ''] ?? IconActivity);
  return (
    <li className={styles['event']} {...(opened && { 'data-opened': true })}>
      <div className={styles['summary']}>
        <span className={`${styles['icon']} ${failed ? 'tone-warning' : 'tone-neutral'}`} aria-hidden>
          <Icon size={16} />
        </span>
        <div className={styles['sentence']}>
          {toSentence(event).map((part, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence never move
            <SentencePartView key={index} part={part} event={event} />
          ))}
        </div>
        <div className={styles['meta']}>
          {event.address !== null && <span className="mono">{event.address}</span>}
          <Tooltip label={formatDateTime(event.at)}>
            <time dateTime={event.at}>{timeFormat.format(new Date(event.at))}</time>
          </Tooltip>
        </div>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="md"
          onClick={toggle}
          aria-expanded={opened}
          aria-controls={id}
          aria-label={strings.eventRow.detailsOfEvent(event.sequence)}
        >
          <IconChevronDown size={16} className={styles['chevron']} />
        </ActionIcon>
      </div>
      <div id={id} hidden={!opened}>
        {opened && <EventDetails event={event} />}
      </div>
    </li>
  );
}
