import { checkIfMatch } from '../../audit/if-match.ts';
import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import { createId } from '../../contract/id.ts';
import type { Page, ResourceQuery } from '../../contract/paging.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import { slugOf } from '../../contract/slug.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { resolveNotices } from '../../store/notices.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import {
  deleteResource,
  findResource,
  insertResource,
  listResources,
  lockResource,
  type ResourceFilter,
  type ResourceRows,
  type ResourceType,
  resourceSlugTaken,
  updateResource,
} from '../../store/resources.ts';
import { retryOnTakenSlug, throwOnTakenSlug } from '../../store/slugs.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import { changesBetween, type PlatformContext } from '../context.ts';

/** A kind of resource with a name and a slug: its noun, and how a row is serialized. */
export interface ResourceKind<Noun extends ResourceType, Shown extends Record<string, unknown>> {
  readonly noun: Noun;
  readonly serialize: (row: ResourceRows[Noun]) => Shown;
  /** Fields for the activity log, if not all of the representation. */
  readonly auditFields?: (representation: Shown) => Record<string, unknown>;
  /** Secret fields that an edit replaced; the activity log has only their names. */
  readonly replacedSecrets?: (before: ResourceRows[Noun], after: ResourceRows[Noun]) => readonly string[];
}

/** Further writes, in the transaction of the row and after it. */
type AfterWrite<Row> = (trx: Trx, row: Row) => Promise<void>;

/** Common fields of a new row. */
export interface NewResourceFields {
  readonly id: string;
  readonly workspace_id: string;
  readonly name: string;
  readonly name_key: string;
  readonly slug: string;
  readonly created_at: number;
  readonly updated_at: number;
}

const MAX_SLUG_ATTEMPTS = 20;

/** Whether a resource exists for a request whose credential is restricted to projects and apps. Pure. */
export function isAllowedResource(
  allowed: AllowedResources | null | undefined,
  row: { readonly id: string; readonly project_id?: string },
): boolean {
  if (allowed === null || allowed === undefined) return true;
  return allowed.projects.has(row.project_id ?? row.id) || allowed.apps.has(row.id);
}

/**
 * Throws `not_found` for a resource that does not exist, for one of another workspace, and for one that does not exist
 * for a restricted credential, without distinction.
 */
export async function requireResource<Noun extends ResourceType>(
  db: Queryable,
  noun: Noun,
  workspaceId: string,
  idOrSlug: string,
  allowed: AllowedResources | null = null,
): Promise<ResourceRows[Noun]> {
  const row = await findResource(db, noun, workspaceId, idOrSlug);
  if (row === undefined || !isAllowedResource(allowed, row))
    throw new Problem('not_found', `The ${noun} was not found in this workspace.`);
  return row;
}

/**
 * Like `requireResource`, and locks the row until the transaction ends, so that what is written is based on what is
 * stored.
 */
export async function requireLockedResource<Noun extends ResourceType>(
  trx: Trx,
  noun: Noun,
  workspaceId: string,
  idOrSlug: string,
): Promise<ResourceRows[Noun]> {
  const { id } = await requireResource(trx, noun, workspaceId, idOrSlug);
  await lockResource(trx, noun, workspaceId, id);
  return requireResource(trx, noun, workspaceId, id);
}

/**
 * Returns the id of the resource that a field names by id or slug. Throws `validation_failed`, since an unknown one
 * is an error in the body.
 */
export async function resolveResourceId(
  trx: Trx,
  noun: 'project' | 'server',
  workspaceId: string,
  idOrSlug: string,
  allowed: AllowedResources | null = null,
): Promise<string> {
  const row = await findResource(trx, noun, workspaceId, idOrSlug);
  if (row === undefined || !isAllowedResource(allowed, row))
    throw invalidField(`${noun}Id`, `must be a ${noun} of this workspace`);
  return row.id;
}

/**
 * Returns a free slug: the requested one, or one derived from the name, with a number if that is taken. Throws
 * `conflict`.
 */
async function findFreeSlug(
  trx: Trx,
  noun: ResourceType,
  workspaceId: string,
  input: { readonly name: string; readonly slug?: string | undefined },
): Promise<string> {
  const isTaken = (slug: string) => resourceSlugTaken(trx, noun, workspaceId, slug);
  if (input.slug !== undefined) {
    if (await isTaken(input.slug)) throw new Problem('conflict', 'This slug is taken. Choose another.');
    return input.slug;
  }
  const slug = slugOf(input.name, noun);
  if (!(await isTaken(slug))) return slug;
  for (let number = 2; number < MAX_SLUG_ATTEMPTS; number++) {
    if (!(await isTaken(`${slug}-${number}`))) return `${slug}-${number}`;
  }
  return `${slug}-${createId(noun).slice(-8)}`;
}

/**
 * Creates a resource and its audit event. Throws `conflict` for a taken slug, `idempotent_replay`, and what `build`
 * throws.
 */
export async function createResource<Noun extends ResourceType, Shown extends Record<string, unknown>>(
  context: PlatformContext,
  request: RequestContext,
  kind: ResourceKind<Noun, Shown>,
  input: { readonly name: string; readonly slug?: string | undefined },
  build: (trx: Trx, fields: NewResourceFields) => Promise<ResourceRows[Noun]> | ResourceRows[Noun],
  afterWrite: AfterWrite<ResourceRows[Noun]> = () => Promise.resolve(),
): Promise<Shown> {
  const now = context.clock();
  const { workspaceId } = request;
  const { noun, serialize, auditFields = (all: Shown) => all } = kind;
  const create = async (trx: Trx) => {
    const id = createId(noun, now);
    await claimOrRefuseReplay(trx, request.claim, id, now);
    const { name } = input;
    const row = await build(trx, {
      id,
      workspace_id: workspaceId,
      name,
      name_key: name.toLowerCase(),
      slug: await findFreeSlug(trx, noun, workspaceId, input),
      created_at: now,
      updated_at: now,
    });
    await throwOnTakenSlug(() => insertResource(trx, noun, row));
    await afterWrite(trx, row);
    const representation = serialize(row);
    const { id: _, createdAt: __, updatedAt: ___, ...fields } = auditFields(representation);
    await recordAuditEvent(trx, request, `${noun}.created`, { kind: noun, id, name }, now, {
      after: changesBetween({}, fields)?.after ?? {},
    });
    return representation;
  };
  return retryOnTakenSlug(input, () => context.store.transaction(create));
}

/** Returns a page of a workspace's resources. Throws `validation_failed` for a cursor of another list. */
export async function listResourcePage<Noun extends ResourceType, Shown extends Record<string, unknown>>(
  context: PlatformContext,
  workspaceId: string,
  { noun, serialize }: ResourceKind<Noun, Shown>,
  query: ResourceQuery,
  filter: ResourceFilter = {},
): Promise<Page<Shown>> {
  const sort = query.sort ?? '-createdAt';
  const byName = sort.endsWith('name');
  const page = readPageRequest(query, sort, byName ? 'string' : 'number');
  const rows = await listResources(
    context.store.read,
    noun,
    workspaceId,
    { ...filter, q: query.q?.normalize('NFC').toLowerCase() },
    byName ? 'name_key' : 'created_at',
    sort.startsWith('-') ? 'desc' : 'asc',
    page,
  );
  const cursorOf = (row: ResourceRows[Noun]) => ({ value: byName ? row.name_key : row.created_at, id: row.id });
  return toPage(rows, page.limit, sort, cursorOf, serialize);
}

/**
 * Edits a resource; an edit that changes nothing is not recorded. Throws `not_found`, `conflict` (`If-Match`), and
 * what `edit` throws.
 */
export async function editResource<Noun extends ResourceType, Shown extends Record<string, unknown>>(
  context: PlatformContext,
  request: RequestContext,
  { noun, serialize, auditFields = (all) => all, replacedSecrets = () => [] }: ResourceKind<Noun, Shown>,
  idOrSlug: string,
  edit: (trx: Trx, before: ResourceRows[Noun]) => Promise<ResourceRows[Noun]> | ResourceRows[Noun],
  afterWrite: AfterWrite<ResourceRows[Noun]> = () => Promise.resolve(),
): Promise<Shown> {
  const now = context.clock();
  return context.store.transaction(async (trx) => {
    const before = await requireLockedResource(trx, noun, request.workspaceId, idOrSlug);
    checkIfMatch(request.ifMatch, serialize(before));
    const edited = await edit(trx, before);
    const after = { ...edited, name_key: edited.name.toLowerCase(), updated_at: now };
    const secrets = Object.fromEntries(replacedSecrets(before, after).map((field) => [field, 'replaced']));
    const detail = changesBetween(auditFields(serialize(before)), { ...auditFields(serialize(after)), ...secrets });
    if (detail === null) return serialize(before);
    await updateResource(trx, noun, after);
    await afterWrite(trx, after);
    await recordAuditEvent(
      trx,
      request,
      `${noun}.updated`,
      { kind: noun, id: after.id, name: after.name },
      now,
      detail,
    );
    return serialize(after);
  });
}

/** Deletes a resource that nothing depends on. Throws `not_found`, `conflict`. */
export async function removeResource<Noun extends ResourceType, Shown extends Record<string, unknown>>(
  context: PlatformContext,
  request: RequestContext,
  { noun, serialize }: ResourceKind<Noun, Shown>,
  idOrSlug: string,
  checkDeletable: (trx: Trx, row: ResourceRows[Noun]) => Promise<void>,
): Promise<void> {
  const now = context.clock();
  await context.store.transaction(async (trx) => {
    const row = await requireLockedResource(trx, noun, request.workspaceId, idOrSlug);
    checkIfMatch(request.ifMatch, serialize(row));
    await checkDeletable(trx, row);
    await deleteResource(trx, noun, request.workspaceId, row.id);
    await recordAuditEvent(trx, request, `${noun}.deleted`, { kind: noun, id: row.id, name: row.name }, now, {});
    await resolveNotices(trx, request.workspaceId, row.id);
  });
}
