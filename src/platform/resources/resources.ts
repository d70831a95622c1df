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
  isResourceSlugTaken,
  listResources,
  lockResource,
  type ResourceFilter,
  type ResourceRows,
  type ResourceType,
  updateResource,
} from '../../store/resources.ts';
import { retryOnTakenSlug, throwOnTakenSlug } from '../../store/slugs.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import { changesBetween, type PlatformContext } from '../context.ts';

/** A kind of resource with a name and a slug. */
export interface ResourceKind<Noun extends ResourceType, Representation extends Record<string, unknown>> {
  readonly noun: Noun;
  readonly serialize: (row: ResourceRows[Noun]) => Representation;
  /** Returns the fields for the activity log, if they differ from the representation. */
  readonly auditFields?: (representation: Representation) => Record<string, unknown>;
  /** Returns the names of secret fields that an edit replaced, for the activity log. */
  readonly replacedSecrets?: (before: ResourceRows[Noun], after: ResourceRows[Noun]) => readonly string[];
}

/** Performs further writes in the same transaction, after the row is written. */
type AfterWrite<Row> = (trx: Trx, row: Row) => Promise<void>;

/** The fields of a new row that all kinds have in common. */
export interface NewResourceFields {
  readonly id: string;
  readonly workspace_id: string;
  readonly name: string;
  readonly name_key: string;
  readonly slug: string;
  readonly created_at: number;
  readonly updated_at: number;
}

const MAX_SLUG_NUMBER = 19;

/** Returns the input's value if it is defined, otherwise the value before the edit. */
export const definedOr = <Value>(value: Value | undefined, before: Value): Value =>
  value === undefined ? before : value;

/** Whether a credential that is restricted to projects and apps may access a resource; true if unrestricted. Pure. */
export function isAllowedResource(
  allowed: AllowedResources | null | undefined,
  row: { readonly id: string; readonly project_id?: string },
): boolean {
  if (allowed === null || allowed === undefined) return true;
  return allowed.projects.has(row.project_id ?? row.id) || allowed.apps.has(row.id);
}

const resourceNotFound = (noun: ResourceType): Problem =>
  new Problem('not_found', `The ${noun} was not found in this workspace.`);

/**
 * Returns the row of a resource. Throws the same `not_found` if it does not exist, is in another workspace, or is not
 * accessible to a restricted credential.
 */
export async function requireResource<Noun extends ResourceType>(
  db: Queryable,
  noun: Noun,
  workspaceId: string,
  idOrSlug: string,
  allowed: AllowedResources | null = null,
): Promise<ResourceRows[Noun]> {
  const row = await findResource(db, noun, workspaceId, idOrSlug);
  if (row === undefined || !isAllowedResource(allowed, row)) throw resourceNotFound(noun);
  return row;
}

/** Returns the row of a resource and locks it until the transaction ends. Throws `not_found`. */
export async function requireResourceForUpdate<Noun extends ResourceType>(
  trx: Trx,
  noun: Noun,
  workspaceId: string,
  idOrSlug: string,
): Promise<ResourceRows[Noun]> {
  const { id } = await requireResource(trx, noun, workspaceId, idOrSlug);
  const row = await lockResource(trx, noun, workspaceId, id);
  if (row === undefined) throw resourceNotFound(noun);
  return row;
}

/**
 * Returns the ID of the resource whose ID or slug is in a field of the body. Throws `validation_failed` if it does not
 * exist or is not allowed.
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
 * Returns the requested slug, or a free slug derived from the name, with a number if necessary. Throws `conflict` if
 * the requested slug is taken.
 */
async function chooseSlug(
  trx: Trx,
  noun: ResourceType,
  workspaceId: string,
  input: { readonly name: string; readonly slug?: string | undefined },
): Promise<string> {
  const isTaken = (slug: string) => isResourceSlugTaken(trx, noun, workspaceId, slug);
  if (input.slug !== undefined) {
    if (await isTaken(input.slug)) throw new Problem('conflict', 'This slug is taken. Choose another.');
    return input.slug;
  }
  const slug = slugOf(input.name, noun);
  if (!(await isTaken(slug))) return slug;
  for (let number = 2; number <= MAX_SLUG_NUMBER; number++) {
    if (!(await isTaken(`${slug}-${number}`))) return `${slug}-${number}`;
  }
  // The end of an ID is random.
  return `${slug}-${createId(noun).slice(-8)}`;
}

/**
 * Creates a resource and its audit event. Throws `conflict` for a taken slug, `idempotent_replay` for a repeated
 * request, and the errors of `build`.
 */
export async function createResource<Noun extends ResourceType, Representation extends Record<string, unknown>>(
  context: PlatformContext,
  request: RequestContext,
  kind: ResourceKind<Noun, Representation>,
  input: { readonly name: string; readonly slug?: string | undefined },
  build: (trx: Trx, fields: NewResourceFields) => Promise<ResourceRows[Noun]> | ResourceRows[Noun],
  afterWrite: AfterWrite<ResourceRows[Noun]> = () => Promise.resolve(),
): Promise<Representation> {
  const now = context.clock();
  const { workspaceId } = request;
  const { noun, serialize, auditFields = (representation: Representation) => representation } = kind;
  const create = async (trx: Trx) => {
    const id = createId(noun, now);
    await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
    const { name } = input;
    const row = await build(trx, {
      id,
      workspace_id: workspaceId,
      name,
      name_key: name.toLowerCase(),
      slug: await chooseSlug(trx, noun, workspaceId, input),
      created_at: now,
      updated_at: now,
    });
    await throwOnTakenSlug(() => insertResource(trx, noun, row));
    await afterWrite(trx, row);
    const representation = serialize(row);
    const { id: _id, createdAt: _createdAt, updatedAt: _updatedAt, ...fields } = auditFields(representation);
    await recordAuditEvent(trx, request, `${noun}.created`, { kind: noun, id, name }, now, {
      after: changesBetween({}, fields)?.after ?? {},
    });
    return representation;
  };
  return retryOnTakenSlug(input, () => context.store.transaction(create));
}

/** Returns a page of a workspace's resources. Throws `validation_failed` for a cursor of another list. */
export async function listResourcePage<Noun extends ResourceType, Representation extends Record<string, unknown>>(
  context: PlatformContext,
  workspaceId: string,
  { noun, serialize }: ResourceKind<Noun, Representation>,
  query: ResourceQuery,
  filter: ResourceFilter = {},
): Promise<Page<Representation>> {
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
 * Edits a resource. An edit without changes is not recorded. Throws `not_found`, `conflict` if `If-Match` names another
 * version, and the errors of `edit`.
 */
export async function editResource<Noun extends ResourceType, Representation extends Record<string, unknown>>(
  context: PlatformContext,
  request: RequestContext,
  {
    noun,
    serialize,
    auditFields = (representation) => representation,
    replacedSecrets = () => [],
  }: ResourceKind<Noun, Representation>,
  idOrSlug: string,
  edit: (trx: Trx, before: ResourceRows[Noun]) => Promise<ResourceRows[Noun]> | ResourceRows[Noun],
  afterWrite: AfterWrite<ResourceRows[Noun]> = () => Promise.resolve(),
): Promise<Representation> {
  const now = context.clock();
  return context.store.transaction(async (trx) => {
    const before = await requireResourceForUpdate(trx, noun, request.workspaceId, idOrSlug);
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

/**
 * Deletes a resource after `beforeDelete`, which can throw and can delete what depends on the resource. Throws
 * `not_found`, `conflict` if `If-Match` names another version, and the errors of `beforeDelete`.
 */
export async function removeResource<Noun extends ResourceType, Representation extends Record<string, unknown>>(
  context: PlatformContext,
  request: RequestContext,
  { noun, serialize }: ResourceKind<Noun, Representation>,
  idOrSlug: string,
  beforeDelete: (trx: Trx, row: ResourceRows[Noun]) => Promise<void>,
): Promise<void> {
  const now = context.clock();
  await context.store.transaction(async (trx) => {
    const row = await requireResourceForUpdate(trx, noun, request.workspaceId, idOrSlug);
    checkIfMatch(request.ifMatch, serialize(row));
    await beforeDelete(trx, row);
    await deleteResource(trx, noun, request.workspaceId, row.id);
    await recordAuditEvent(trx, request, `${noun}.deleted`, { kind: noun, id: row.id, name: row.name }, now, {});
    await resolveNotices(trx, request.workspaceId, row.id);
  });
}
