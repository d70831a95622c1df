import type { ErrorIssue, ErrorIssueDetail } from '../contract/errors.ts';
import type { ErrorLevel, IssueStatus } from '../contract/words.ts';
import { type Common, connect } from './connect.ts';
import { confirm, readCount } from './input.ts';
import { type Column, dim, note, plain, print, printJson, printList, printOne, showInstant, taken } from './output.ts';

const COLUMNS: readonly Column<ErrorIssue>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'LEVEL', of: ({ level }) => level },
  { title: 'COUNT', of: ({ count }) => count },
  { title: 'LAST SEEN', of: ({ lastSeenAt }) => showInstant(lastSeenAt, 'never') },
  { title: 'APP', of: ({ app }) => app },
  { title: 'TITLE', of: ({ title }) => title },
];

const facet = (list: ErrorIssueDetail['apps']) =>
  list.map(({ value, count }) => `${value} (${count})`).join(', ') || null;

const FACTS: readonly Column<ErrorIssueDetail>[] = [
  { title: 'Id', of: ({ id }) => id },
  { title: 'Title', of: ({ title }) => title },
  { title: 'Status', of: ({ status }) => status },
  { title: 'Level', of: ({ level }) => level },
  { title: 'Count', of: ({ count }) => count },
  { title: 'First seen', of: ({ firstSeenAt }) => firstSeenAt },
  { title: 'Last seen', of: ({ lastSeenAt }) => lastSeenAt },
  { title: 'Apps', of: ({ apps }) => facet(apps) },
  { title: 'Releases', of: ({ releases }) => facet(releases) },
  { title: 'Environments', of: ({ environments }) => facet(environments) },
];

export interface IssueListOptions extends Common {
  readonly search?: string;
  readonly status?: string;
  readonly level?: string;
  readonly app?: string;
  readonly release?: string;
  readonly environment?: string;
  readonly sort?: string;
  readonly limit: string;
}

/** Lists issues, the last seen first. */
export async function listIssues(options: IssueListOptions): Promise<void> {
  const { app, release, environment } = options;
  const all = connect(options).errors.issues.all({
    q: options.search,
    // The server knows which words there are, and says so.
    status: options.status as IssueStatus | undefined,
    level: options.level as ErrorLevel | undefined,
    sort: options.sort as '-count' | undefined,
    app,
    release,
    environment,
  });
  await printList(await taken(all, readCount('--limit', options.limit) ?? 50), COLUMNS, options);
}

/** Shows an issue, and for reading the stack of its newest occurrence. */
export async function showIssue(id: string, options: Common): Promise<void> {
  const { issues } = connect(options).errors;
  await printOne(await issues.get(id), FACTS, options);
  if (options.json === true || options.quiet === true) return;
  const [newest] = (await issues.events(id).list({ limit: 1 })).data;
  if (newest === undefined) return;
  const lines = [newest.message, ...(newest.stack ?? '').split('\n')].filter((line) => line.trim() !== '');
  await print(`\n${dim(`The newest, ${newest.time}`)}\n${lines.map((line) => `${plain(line)}\n`).join('')}`);
}

/** Resolves issues, opens them again or mutes them. */
export async function turnIssues(ids: readonly string[], status: IssueStatus, options: Common): Promise<void> {
  const { issues } = connect(options).errors;
  const turned: ErrorIssueDetail[] = [];
  for (const id of ids) {
    turned.push(await issues.update(id, { status }));
    note(`Issue ${id} is ${status}.`, options.json === true ? { quiet: true } : options);
  }
  if (options.json === true) await printJson(turned);
}

/** Deletes issues with their occurrences. */
export async function deleteIssues(ids: readonly string[], options: Common & { yes?: true }): Promise<void> {
  const { issues } = connect(options).errors;
  const found: ErrorIssueDetail[] = [];
  for (const id of ids) found.push(await issues.get(id));
  const list = found.map(({ title, id }) => `${plain(title)} (${id})`).join(', ');
  await confirm(`Delete the issue ${list} with its occurrences?`, options.yes);
  for (const { id } of found) await issues.delete(id);
  if (options.json === true) await printJson(found.map(({ id, title }) => ({ id, title, deleted: true })));
  else note(`Deleted the issue ${list}.`, options);
}
