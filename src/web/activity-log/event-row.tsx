import { ActionIcon, Anchor, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, type LinkProps } from '@tanstack/react-router';
import { useId } from 'react';
import type { AuditEvent } from '../../contract/schemas.ts';
import { exactTime } from '../components/format.ts';
import {
  IconActivity,
  IconAlertTriangle,
  IconAppWindow,
  IconArchive,
  IconBug,
  IconBuilding,
  IconChevronDown,
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
import { type Piece, sentenceOf } from './sentence.ts';

const ICONS: Readonly<Record<string, typeof IconActivity>> = {
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
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Refusals and failures: what the reader of a log looks for. */
const isTrouble = ({ action }: AuditEvent) => /\.(?:denied|failed|passphrase_failed)$/.test(action);

/** Where a party has a page of its own, also after it is gone: credentials tell what became of them. */
const PLACES: Readonly<Record<string, { readonly to: NonNullable<LinkProps['to']>; readonly param: string }>> = {
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
  readonly place: { readonly to: NonNullable<LinkProps['to']>; readonly param: string };
  readonly id: string;
  readonly text: string;
}

function PartyLink({ place, id, text }: PartyLinkProps) {
  const { workspace } = useWorkspace();
  return (
    <Anchor
      inherit
      fw={600}
      renderRoot={(props) => (
        <Link
          to={place.to}
          params={{ [place.param]: id } as never}
          search={{ workspace: workspace.slug } as never}
          {...props}
        />
      )}
    >
      {text}
    </Anchor>
  );
}

function Words({ piece, event }: { readonly piece: Piece; readonly event: AuditEvent }) {
  if (piece.of === undefined) return piece.text;
  if (piece.of === 'value') return <span className={styles['value']}>{piece.text}</span>;
  const party = piece.of === 'actor' ? event.actor : piece.of === 'target' ? event.target : event.credential;
  const place = PLACES[party?.kind ?? ''];
  const isGone = piece.of === 'target' && event.action.endsWith('.deleted');
  if (party != null && party.id !== null && place !== undefined && (!isGone || isCredential(party.kind))) {
    return <PartyLink place={place} id={party.id} text={piece.text} />;
  }
  return <b>{piece.text}</b>;
}

/** One entry of the log: a sentence, where from and when, and the rest on demand. */
export function EventRow({ event }: { readonly event: AuditEvent }) {
  const [opened, { toggle }] = useDisclosure();
  const id = useId();
  const trouble = isTrouble(event);
  const Icon = trouble ? IconAlertTriangle : (ICONS[event.action.split('.')[0] ?? ''] ?? IconActivity);
  return (
    <li className={styles['event']} {...(opened && { 'data-opened': true })}>
      <div className={styles['line']}>
        <span className={`${styles['icon']} ${trouble ? 'tone-warn' : 'tone-mute'}`} aria-hidden>
          <Icon size={16} />
        </span>
        <div className={styles['sentence']}>
          {sentenceOf(event).map((piece, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a sentence never move
            <Words key={at} piece={piece} event={event} />
          ))}
        </div>
        <div className={styles['meta']}>
          {event.address !== null && <span className="mono">{event.address}</span>}
          <Tooltip label={exactTime(event.at)}>
            <time dateTime={event.at}>{clock.format(new Date(event.at))}</time>
          </Tooltip>
        </div>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="md"
          onClick={toggle}
          aria-expanded={opened}
          aria-controls={id}
          aria-label={`Details of event ${event.sequence}`}
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
