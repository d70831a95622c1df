import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { AuditEvent } from '../contract/schemas.ts';
import type { AuditAction } from '../contract/words.ts';
import type { AuditListQuery, Client } from '../sdk/client.ts';
import { type Common, connect } from './connect.ts';
import { isPassing } from './failure.ts';
import { writePrivatelyFrom } from './files.ts';
import { harmlessJson } from './harmless.ts';
import { readCount, readPast } from './input.ts';
import { type Column, plain, print, printList, showInstant } from './output.ts';
import { startProgress } from './progress.ts';

export interface AuditOptions extends Common {
  readonly action?: string;
  readonly actor?: string;
  readonly target?: string;
  readonly credential?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
}

const nameOf = (party: AuditEvent['actor'] | null) => (party === null ? null : (party.name ?? party.id ?? party.kind));

const COLUMNS: readonly Column<AuditEvent>[] = [
  { title: 'AT', of: ({ at }) => showInstant(at, '') },
  { title: 'ACTION', of: ({ action }) => action },
  { title: 'ACTOR', of: ({ actor }) => nameOf(actor) },
  { title: 'TARGET', of: ({ target }) => nameOf(target) },
  { title: 'ADDRESS', of: ({ address }) => address },
  { title: 'ID', of: ({ id }) => id },
];

const queryOf = ({ action, actor, target, credential, from, to }: AuditOptions): AuditListQuery => ({
  action: action as AuditAction | undefined,
  actor,
  target,
  credential,
  from: readPast('--from', from),
  to: readPast('--to', to),
});

/** The newest entries of the activity log. */
export async function listAudit(options: AuditOptions): Promise<void> {
  const client = connect(options);
  const most = readCount('--limit', options.limit) ?? 50;
  const events: AuditEvent[] = [];
  for await (const event of client.auditEvents.all({ ...queryOf(options), limit: Math.min(Math.max(most, 1), 200) })) {
    if (events.length >= most) break;
    events.push(event);
  }
  await printList(events, COLUMNS, options);
}

/** Entries after a sequence number, oldest first; the newest ten at the beginning. */
async function eventsAfter(client: Client, query: AuditListQuery, after: number | null): Promise<AuditEvent[]> {
  if (after === null) return (await client.auditEvents.list({ ...query, limit: 10 })).data.reverse();
  const events: AuditEvent[] = [];
  for await (const event of client.auditEvents.all({ ...query, limit: 50 })) {
    if (event.sequence <= after) break;
    events.push(event);
  }
  return events.reverse();
}

const POLL = 1000;
/** Answers in a row that may be missing: a server starts anew in less. */
const MISSED = 30;

/** Follows the activity log until it is interrupted: a line an entry, with `--json` as NDJSON. */
export async function tailAudit(options: AuditOptions): Promise<void> {
  const client = connect(options);
  const query = queryOf(options);
  let last: number | null = null;
  for (let missed = 0; ; await wait(POLL)) {
    let events: AuditEvent[];
    try {
      events = await eventsAfter(client, query, last);
      missed = 0;
    } catch (error) {
      if (last === null || !isPassing(error) || ++missed > MISSED) throw error;
      continue;
    }
    for (const event of events) {
      const cells = [
        event.at,
        event.action,
        nameOf(event.actor) ?? '–',
        nameOf(event.target) ?? '–',
        event.address ?? '–',
      ];
      await print(
        options.json === true ? `${harmlessJson(JSON.stringify(event))}\n` : `${cells.map(plain).join('\t')}\n`,
      );
      last = event.sequence;
    }
    last ??= 0;
  }
}

/** Writes the whole log as NDJSON, as fast as it is taken. */
export async function exportAudit(options: AuditOptions & { readonly output?: string }): Promise<void> {
  const stream = await connect(options).auditEvents.export(queryOf(options));
  const progress = startProgress('Exporting the activity log …', options.quiet);
  const lines = Readable.fromWeb(stream as never);
  try {
    if (options.output !== undefined) await writePrivatelyFrom(options.output, lines);
    else await pipeline(lines, process.stdout, { end: false });
  } finally {
    progress.end();
  }
}
