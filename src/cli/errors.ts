import type { ErrorFrame, ErrorIssue, ErrorIssueDetail } from '../contract/errors.ts';
import type { ErrorLevel, IssueStatus } from '../contract/platform-vocabulary.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type DeleteOptions, deleteItems } from './delete-items.ts';
import { parseCount } from './input.ts';
import {
  type Column,
  dim,
  formatInstant,
  print,
  printDetails,
  printJson,
  printList,
  printNote,
  sanitizeInline,
  takeFirst,
} from './output.ts';

const COLUMNS: readonly Column<ErrorIssue>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'STATUS', getValue: ({ status }) => status },
  { title: 'LEVEL', getValue: ({ level }) => level },
  { title: 'COUNT', getValue: ({ count }) => count },
  { title: 'LAST SEEN', getValue: ({ lastSeenAt }) => formatInstant(lastSeenAt, 'never') },
  { title: 'APP', getValue: ({ app }) => app },
  { title: 'TITLE', getValue: ({ title }) => title },
];

const formatCounts = (counts: ErrorIssueDetail['apps']) =>
  counts.map(({ value, count }) => `${value} (${count})`).join(', ') || null;

const ISSUE_DETAILS: readonly Column<ErrorIssueDetail>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'Title', getValue: ({ title }) => title },
  { title: 'Status', getValue: ({ status }) => status },
  { title: 'Resolved in', getValue: ({ resolvedInRelease }) => resolvedInRelease },
  { title: 'Level', getValue: ({ level }) => level },
  { title: 'Count', getValue: ({ count }) => count },
  { title: 'First seen', getValue: ({ firstSeenAt }) => firstSeenAt },
  { title: 'Last seen', getValue: ({ lastSeenAt }) => lastSeenAt },
  { title: 'Apps', getValue: ({ apps }) => formatCounts(apps) },
  { title: 'Releases', getValue: ({ releases }) => formatCounts(releases) },
  { title: 'Environments', getValue: ({ environments }) => formatCounts(environments) },
];

export interface IssueListOptions extends RemoteOptions {
  readonly search: string | undefined;
  readonly status: string | undefined;
  readonly level: string | undefined;
  readonly app: string | undefined;
  readonly release: string | undefined;
  readonly environment: string | undefined;
  readonly sort: string | undefined;
  readonly limit: string;
}

/** Lists issues, by default most recently seen first. */
export async function listIssues(options: IssueListOptions): Promise<void> {
  const { app, release, environment } = options;
  const issues = connect(options).errors.issues.all({
    q: options.search,
    // Not validated here: the server rejects unknown values with a message that lists the accepted ones.
    status: options.status as IssueStatus | undefined,
    level: options.level as ErrorLevel | undefined,
    sort: options.sort as '-count' | undefined,
    app,
    release,
    environment,
  });
  await printList(await takeFirst(issues, parseCount('--limit', options.limit)), COLUMNS, options);
}

/** Formats a stack frame as V8 does. */
const formatFrame = ({ function: name, file, line }: ErrorFrame): string =>
  `    at ${name ?? '(anonymous)'} (${[file ?? 'unknown file', line].filter((part) => part !== null).join(':')})`;

/** Shows an issue, and without `--json` the stack trace of its latest occurrence. */
export async function showIssue(id: string, options: RemoteOptions): Promise<void> {
  const { issues } = connect(options).errors;
  await printDetails(await issues.get(id), ISSUE_DETAILS, options);
  if (options.json === true || options.quiet === true) return;
  const [latest] = (await issues.events(id).list({ limit: 1 })).data;
  if (latest === undefined) return;
  const stack = latest.stack?.split('\n') ?? latest.frames.map(formatFrame);
  const lines = [latest.message, ...stack].filter((line) => line.trim() !== '');
  await print(
    `\n${dim(`Latest occurrence, ${latest.time}`)}\n${lines.map((line) => `${sanitizeInline(line)}\n`).join('')}`,
  );
}

/** Resolves, reopens or mutes issues. */
export async function setIssueStatus(
  ids: readonly string[],
  status: IssueStatus,
  options: RemoteOptions & { readonly inRelease?: string | undefined },
): Promise<void> {
  const { issues } = connect(options).errors;
  const updated: ErrorIssueDetail[] = [];
  for (const id of ids) {
    updated.push(
      await issues.update(id, { status, ...(options.inRelease !== undefined && { release: options.inRelease }) }),
    );
    printNote(`Issue ${id} is now ${status}.`, options.json === true ? { quiet: true } : options);
  }
  if (options.json === true) await printJson(updated);
}

/** Deletes issues and their occurrences. */
export async function deleteIssues(ids: readonly string[], options: DeleteOptions): Promise<void> {
  const { issues } = connect(options).errors;
  const items: ErrorIssueDetail[] = [];
  for (const id of ids) items.push(await issues.get(id));
  await deleteItems(
    {
      items,
      label: ({ title }) => title,
      question: (list) => `Delete ${list} and all occurrences?`,
      note: (list) => `Deleted ${list}.`,
      fields: ({ title }) => ({ title }),
      delete: (id) => issues.delete(id),
    },
    options,
  );
}
