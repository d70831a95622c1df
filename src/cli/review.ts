import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReviewItem } from '../contract/review.ts';
import type { ReviewReason } from '../contract/vocabulary.ts';
import type { ReviewListQuery } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { parseCount } from './input.ts';
import {
  type Column,
  formatInstant,
  print,
  printJson,
  printList,
  printNote,
  sanitizeInline,
  takeFirst,
} from './output.ts';

export interface ReviewOptions extends RemoteOptions {
  readonly reason: string | undefined;
  readonly createdBy: string | undefined;
  readonly includeKept: true | undefined;
  readonly limit: string | undefined;
  readonly csv: true | undefined;
}

const COLUMNS: readonly Column<ReviewItem>[] = [
  { title: 'ID', getValue: ({ credential }) => credential.id },
  { title: 'NAME', getValue: ({ credential }) => credential.name },
  { title: 'RISK', getValue: ({ risk }) => risk },
  { title: 'REASONS', getValue: ({ reasons }) => reasons.join(' ') },
  { title: 'CREATED BY', getValue: ({ credential }) => credential.createdBy?.name ?? null },
  { title: 'LAST USED', getValue: ({ credential }) => formatInstant(credential.lastUsedAt, 'never') },
  { title: 'EXPIRES', getValue: ({ credential }) => formatInstant(credential.expiresAt, 'never') },
];

/** Lists the credentials that should be reviewed, highest risk first. */
export async function review(options: ReviewOptions): Promise<void> {
  const client = connect(options);
  const query: ReviewListQuery = {
    // Not validated here: the server rejects unknown values with a message that lists the accepted ones.
    reason: options.reason as ReviewReason | undefined,
    createdBy: options.createdBy,
    includeKept: options.includeKept,
  };
  if (options.csv === true) {
    const stream = await client.review.export(query);
    return pipeline(Readable.fromWeb(stream as never), process.stdout, { end: false });
  }
  const limit = parseCount('--limit', options.limit) ?? Number.POSITIVE_INFINITY;
  const items = await takeFirst(client.review.all(query), limit);
  await printList(items, COLUMNS, options, ({ credential }) => credential.id);
  if (items.length > 0 || options.json === true) return;
  const { lastReviewAt, lastReviewedBy } = await client.review.list({ limit: 1 });
  const lastReview =
    lastReviewAt === null
      ? ''
      : ` Last decision on ${lastReviewAt.slice(0, 10)}${lastReviewedBy === null ? '' : ` by ${lastReviewedBy}`}.`;
  printNote(`Nothing to review.${sanitizeInline(lastReview)}`, options);
}

export interface KeepOptions extends RemoteOptions {
  readonly note: string | undefined;
}

/** Records that credentials were reviewed and are kept. */
export async function keep(ids: readonly string[], options: KeepOptions): Promise<void> {
  const client = connect(options);
  const keptItems: ReviewItem[] = [];
  for (const id of ids) {
    const item = await client.review.decide(id, {
      decision: 'keep',
      ...(options.note !== undefined && { note: options.note }),
    });
    keptItems.push(item);
    const { credential, kept: decision } = item;
    if (options.json === true) continue;
    const period = decision === null ? '' : ` until ${sanitizeInline(decision.until.slice(0, 10))}`;
    printNote(`Kept ${sanitizeInline(credential.name)}${period}.`, options);
  }
  if (options.json === true) await printJson(keptItems);
  else if (options.quiet === true) await print(keptItems.map(({ credential }) => `${credential.id}\n`).join(''));
}
