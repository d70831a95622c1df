import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { AuditAction } from '../contract/event-names.ts';
import type { AuditListQuery, Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure, isTransient } from './failure.ts';
import { streamToPrivateFile } from './files.ts';
import { parseCount, parsePeriod } from './input.ts';
import { MAX_FAILED_POLLS, POLL_INTERVAL_MS } from './operation.ts';
import { type Column, formatInstant, partyName, print, printList, sanitizeInline, takeFirst } from './output.ts';
import { startProgress } from './progress.ts';
import { sanitizeJson } from './sanitize.ts';

export interface AuditOptions extends RemoteOptions {
  readonly action: string | undefined;
  readonly actor: string | undefined;
  readonly target: string | undefined;
  readonly credential: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

const COLUMNS: readonly Column<AuditEvent>[] = [
  { title: 'TIME', getValue: ({ at }) => formatInstant(at, '') },
  { title: 'ACTION', getValue: ({ action }) => action },
  { title: 'ACTOR', getValue: ({ actor }) => partyName(actor) },
  { title: 'TARGET', getValue: ({ target }) => (target === null ? null : partyName(target)) },
  { title: 'ADDRESS', getValue: ({ address }) => address },
  { title: 'ID', getValue: ({ id }) => id },
];

const auditQueryOf = ({ action, actor, target, credential, from, to }: AuditOptions): AuditListQuery => ({
  action: action as AuditAction | undefined,
  actor,
  target,
  credential,
  ...parsePeriod({ from, to }),
});

/** Lists the newest entries of the activity log. */
export async function listAudit(options: AuditOptions & { readonly limit: string }): Promise<void> {
  const client = connect(options);
  const limit = parseCount('--limit', options.limit);
  const entries = client.auditEvents.all({ ...auditQueryOf(options), limit: Math.min(Math.max(limit, 1), 200) });
  await printList(await takeFirst(entries, limit), COLUMNS, options);
}

/** Returns the entries after a sequence number, oldest first; without a sequence number, the newest ten. */
async function readEventsAfter(client: Client, query: AuditListQuery, after: number | null): Promise<AuditEvent[]> {
  if (after === null) return (await client.auditEvents.list({ ...query, limit: 10 })).data.reverse();
  const events: AuditEvent[] = [];
  for await (const event of client.auditEvents.all({ ...query, limit: 50 })) {
    if (event.sequence <= after) break;
    events.push(event);
  }
  return events.reverse();
}

/** Follows the activity log until interrupted: one line per entry, or NDJSON with `--json`. */
export async function tailAudit(options: AuditOptions): Promise<void> {
  const client = connect(options);
  const query = auditQueryOf(options);
  let lastSequence: number | null = null;
  for (let failedPolls = 0; ; await wait(POLL_INTERVAL_MS)) {
    let events: AuditEvent[];
    try {
      events = await readEventsAfter(client, query, lastSequence);
      failedPolls = 0;
    } catch (error) {
      if (lastSequence === null || !isTransient(error) || ++failedPolls > MAX_FAILED_POLLS) throw error;
      continue;
    }
    for (const event of events) {
      const cells = [
        event.at,
        event.action,
        partyName(event.actor),
        event.target === null ? '–' : partyName(event.target),
        event.address ?? '–',
      ];
      await print(
        options.json === true
          ? `${sanitizeJson(JSON.stringify(event))}\n`
          : `${cells.map(sanitizeInline).join('\t')}\n`,
      );
      lastSequence = event.sequence;
    }
    lastSequence ??= 0;
  }
}

export interface ExportAuditOptions extends AuditOptions {
  readonly output: string | undefined;
  readonly toBucket: string | undefined;
}

/** Exports the entries that match the options as NDJSON, with backpressure from the output. */
export async function exportAudit(options: ExportAuditOptions): Promise<void> {
  const { output, toBucket } = options;
  if (output !== undefined && toBucket !== undefined) throw new Failure('Use either --output or --to-bucket.');
  const stream = await connect(options).auditEvents.export(auditQueryOf(options));
  const progress = startProgress('Exporting the activity log …', options.quiet);
  const source = Readable.fromWeb(stream as never);
  try {
    if (toBucket !== undefined) await (await import('./audit-bucket.ts')).writeToBucket(toBucket, source);
    else if (output !== undefined) await streamToPrivateFile(output, source);
    else await pipeline(source, process.stdout, { end: false });
  } finally {
    progress.end();
  }
}
