import { createId } from '../contract/id.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { ResourceQuery } from '../contract/resources.ts';
import type { Page } from '../contract/schemas.ts';
import { slugOf } from '../contract/slug.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import {
  deleteResource,
  findResource,
  insertResource,
  listResources,
  type ResourceFilter,
  type ResourceNoun,
  type ResourceRows,
  resourceSlugTaken,
  updateResource,
} from '../store/resources.ts';
import { refuseTakenSlug, untilSlugIsFree } from '../store/slugs.ts';
import type { Queryable, Trx } from '../store/store.ts';
import { type Asker, checkTag, claimOnce, differenceOf, record, type WorkspaceContext } from './context.ts';

/** A kind of resource with a name and a slug: its noun, and how the wire shows a row. */
export interface ResourceKind<Noun extends ResourceNoun, Shown extends Record<string, unknown>> {
  readonly noun: Noun;
  readonly show: (row: ResourceRows[Noun]) => Shown;
  /** What the log keeps of what is shown, where that is not all of it. */
  readonly forLog?: (shown: Shown) => Record<string, unknown>;
  /** Secret fields that an edit replaced; the log has their names alone. */
  readonly replaced?: (before: ResourceRows[Noun], after: ResourceRows[Noun]) => readonly string[];
}

/** What is written beside a row, in its transaction and after it. */
type Beside<Row> = (trx: Trx, row: Row) => Promise<void>;

/** The facts that every such row begins with. */
export interface NewFacts {
  readonly id: string;
  readonly workspace_id: string;
  readonly name: string;
  readonly name_key: string;
  readonly slug: string;
  readonly created_at: number;
  readonly updated_at: number;
}

const TRIES = 20;

/** Throws `not_found` alike for what does not exist and what is another workspace's. */
export async function findRow<Noun extends ResourceNoun>(
  db: Queryable,
  noun: Noun,
  workspaceId: string,
  idOrSlug: string,
): Promise<ResourceRows[Noun]> {
  const row = await findResource(db, noun, workspaceId, idOrSlug);
  if (row === undefined) throw new Problem('not_found', `There is no such ${noun} in this workspace.`);
  return row;
}

/** The id of what a field names by id or slug. Throws `validation_failed`: a body that names nothing is wrong. */
export async function idIn(
  trx: Trx,
  noun: 'project' | 'server',
  workspaceId: string,
  idOrSlug: string,
): Promise<string> {
  const row = await findResource(trx, noun, workspaceId, idOrSlug);
  if (row === undefined) throw invalidField(`${noun}Id`, `names no ${noun} of this workspace`);
  return row.id;
}

/** A slug that is free: the wanted one, or the name's with a number where that is taken. Throws `conflict`. */
async function freeSlug(
  trx: Trx,
  noun: ResourceNoun,
  workspaceId: string,
  wanted: { readonly name: string; readonly slug?: string | undefined },
): Promise<string> {
  const taken = (slug: string) => resourceSlugTaken(trx, noun, workspaceId, slug);
  if (wanted.slug !== undefined) {
    if (await taken(wanted.slug)) throw new Problem('conflict', 'This slug is taken. Choose another.');
    return wanted.slug;
  }
  const slug = slugOf(wanted.name, noun);
  if (!(await taken(slug))) return slug;
  for (let number = 2; number < TRIES; number++) {
    if (!(await taken(`${slug}-${number}`))) return `${slug}-${number}`;
  }
  return `${slug}-${createId(noun).slice(-8)}`;
}

/** Creates a resource and its entry in the log. Throws `conflict` for a taken slug, `idempotent_replay`, and what `build` throws. */
export async function createResource<Noun extends ResourceNoun, Shown extends Record<string, unknown>>(
  context: WorkspaceContext,
  asker: Asker,
  kind: ResourceKind<Noun, Shown>,
  wanted: { readonly name: string; readonly slug?: string | undefined },
  build: (trx: Trx, facts: NewFacts) => Promise<ResourceRows[Noun]> | ResourceRows[Noun],
  beside: Beside<ResourceRows[Noun]> = () => Promise.resolve(),
): Promise<Shown> {
  const now = context.clock();
  const { workspaceId } = asker;
  const { noun, show, forLog = (all: Shown) => all } = kind;
  const create = async (trx: Trx) => {
    const id = createId(noun, now);
    await claimOnce(trx, asker.claim, id, now);
    const { name } = wanted;
    const row = await build(trx, {
      id,
      workspace_id: workspaceId,
      name,
      name_key: name.toLowerCase(),
      slug: await freeSlug(trx, noun, workspaceId, wanted),
      created_at: now,
      updated_at: now,
    });
    await refuseTakenSlug(() => insertResource(trx, noun, row));
    await beside(trx, row);
    const shown = show(row);
    const { id: _, createdAt: __, updatedAt: ___, ...facts } = forLog(shown);
    await record(trx, asker, `${noun}.created`, { kind: noun, id, name }, now, {
      after: differenceOf({}, facts)?.after ?? {},
    });
    return shown;
  };
  return untilSlugIsFree(wanted, () => context.store.transaction(create));
}

/** A page of a workspace's resources. Throws `validation_failed` for a cursor of another list. */
export async function listPage<Noun extends ResourceNoun, Shown extends Record<string, unknown>>(
  context: WorkspaceContext,
  workspaceId: string,
  { noun, show }: ResourceKind<Noun, Shown>,
  query: ResourceQuery,
  filter: ResourceFilter = {},
): Promise<Page<Shown>> {
  const sort = query.sort ?? '-createdAt';
  const byName = sort.endsWith('name');
  const page = pageAsk(query, sort, byName ? 'string' : 'number');
  const rows = await listResources(
    context.store.read,
    noun,
    workspaceId,
    { ...filter, q: query.q?.normalize('NFC').toLowerCase() },
    byName ? 'name_key' : 'created_at',
    sort.startsWith('-') ? 'desc' : 'asc',
    page,
  );
  const placeOf = (row: ResourceRows[Noun]) => ({ value: byName ? row.name_key : row.created_at, id: row.id });
  return cutPage(rows, page.limit, sort, placeOf, show);
}

/** Edits a resource; an edit that changes nothing leaves no trace. Throws `not_found`, `conflict` (`If-Match`), and what `edit` throws. */
export async function editResource<Noun extends ResourceNoun, Shown extends Record<string, unknown>>(
  context: WorkspaceContext,
  asker: Asker,
  { noun, show, forLog = (all) => all, replaced = () => [] }: ResourceKind<Noun, Shown>,
  idOrSlug: string,
  edit: (trx: Trx, before: ResourceRows[Noun]) => Promise<ResourceRows[Noun]> | ResourceRows[Noun],
  beside: Beside<ResourceRows[Noun]> = () => Promise.resolve(),
): Promise<Shown> {
  const now = context.clock();
  return context.store.transaction(async (trx) => {
    const before = await findRow(trx, noun, asker.workspaceId, idOrSlug);
    checkTag(asker.ifMatch, show(before));
    const edited = await edit(trx, before);
    const after = { ...edited, name_key: edited.name.toLowerCase(), updated_at: now };
    const secrets = Object.fromEntries(replaced(before, after).map((field) => [field, 'replaced']));
    const detail = differenceOf(forLog(show(before)), { ...forLog(show(after)), ...secrets });
    if (detail === null) return show(before);
    await updateResource(trx, noun, after);
    await beside(trx, after);
    await record(trx, asker, `${noun}.updated`, { kind: noun, id: after.id, name: after.name }, now, detail);
    return show(after);
  });
}

/** Deletes a resource that nothing hangs on. Throws `not_found`, `conflict`. */
export async function removeResource<Noun extends ResourceNoun, Shown extends Record<string, unknown>>(
  context: WorkspaceContext,
  asker: Asker,
  { noun, show }: ResourceKind<Noun, Shown>,
  idOrSlug: string,
  refuse: (trx: Trx, row: ResourceRows[Noun]) => Promise<void>,
): Promise<void> {
  const now = context.clock();
  await context.store.transaction(async (trx) => {
    const row = await findRow(trx, noun, asker.workspaceId, idOrSlug);
    checkTag(asker.ifMatch, show(row));
    await refuse(trx, row);
    await deleteResource(trx, noun, asker.workspaceId, row.id);
    await record(trx, asker, `${noun}.deleted`, { kind: noun, id: row.id, name: row.name }, now, {});
  });
}
