import { randomUUID } from 'node:crypto';
import type { CallOptions, Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type DeleteOptions, deleteItems } from './delete-items.ts';
import { Failure } from './failure.ts';
import { readJson } from './files.ts';
import { parseCount } from './input.ts';
import { type Column, printDetails, printList, printNote, sanitizeInline, takeFirst } from './output.ts';

/** Base type of projects, apps, servers and scripts. */
interface NamedResource {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
}

export interface ResourceCommandOptions<Item extends NamedResource, Query, Create, Update> {
  readonly noun: string;
  readonly columns: readonly Column<Item>[];
  readonly detailFields: readonly Column<Item>[];
  /** Warning in the confirmation of a deletion. */
  readonly deleteWarning: string;
  endpoint(client: Client): {
    all(query: Query): AsyncIterable<Item>;
    get(idOrSlug: string): Promise<Item>;
    create(body: Create, call?: CallOptions): Promise<Item>;
    update(idOrSlug: string, body: Update): Promise<Item>;
    delete(idOrSlug: string): Promise<void>;
  };
}

export interface ListOptions extends RemoteOptions {
  readonly search: string | undefined;
  readonly sort: string | undefined;
  readonly limit: string | undefined;
}

/** Returns the query parameters that all lists have. Not validated here: the server rejects unknown values. */
export const listQuery = ({ search, sort }: ListOptions) => ({ q: search, sort: sort as 'name' | undefined });

export interface BodyOptions extends RemoteOptions {
  /** A JSON file with the fields of the API request; options override it. */
  readonly from: string | undefined;
}

/** Returns the fields that were set; an empty string becomes null. */
export function definedFields(fields: Readonly<Record<string, string | undefined>>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, text === '' ? null : text] as const],
    ),
  );
}

/**
 * Builds a request body from `defaults`, overridden by the fields of the file `--from`, overridden by `fields`. The
 * server validates each field.
 */
async function buildBody<Body>(from: string | undefined, fields: object, defaults: object = {}): Promise<Body> {
  const bodyFromFile = from === undefined ? {} : await readJson(from);
  if (typeof bodyFromFile !== 'object' || bodyFromFile === null || Array.isArray(bodyFromFile)) {
    throw new Failure('The file passed to --from must contain one JSON object, with the fields of the API request.');
  }
  return { ...defaults, ...bodyFromFile, ...fields } as Body;
}

/** Returns the commands that projects, apps, servers and scripts have in common. */
export function resourceCommandsFor<Item extends NamedResource, Query, Create, Update>(
  resource: ResourceCommandOptions<Item, Query, Create, Update>,
) {
  const { noun, columns, detailFields } = resource;
  return {
    async list(query: Query, options: ListOptions): Promise<void> {
      const limit = parseCount('--limit', options.limit) ?? Number.POSITIVE_INFINITY;
      await printList(await takeFirst(resource.endpoint(connect(options)).all(query), limit), columns, options);
    },
    async show(idOrSlug: string, options: RemoteOptions): Promise<void> {
      await printDetails(await resource.endpoint(connect(options)).get(idOrSlug), detailFields, options);
    },
    async create(fields: object, options: BodyOptions, defaults?: object): Promise<void> {
      const body = await buildBody<Create>(options.from, fields, defaults);
      const created = await resource.endpoint(connect(options)).create(body, { idempotencyKey: randomUUID() });
      printNote(`Created ${noun} ${sanitizeInline(created.name)}.`, options);
      await printDetails(created, detailFields, options);
    },
    async update(idOrSlug: string, fields: object, options: BodyOptions): Promise<void> {
      const body = await buildBody<Update & object>(options.from, fields);
      if (Object.keys(body).length === 0) throw new Failure(`Nothing to update. See: devpilot ${noun}s update --help`);
      const changed = await resource.endpoint(connect(options)).update(idOrSlug, body);
      printNote(`Updated ${noun} ${sanitizeInline(changed.name)}.`, options);
      await printDetails(changed, detailFields, options);
    },
    async delete(idsOrSlugs: readonly string[], options: DeleteOptions): Promise<void> {
      const endpoint = resource.endpoint(connect(options));
      const items: Item[] = [];
      for (const idOrSlug of idsOrSlugs) items.push(await endpoint.get(idOrSlug));
      await deleteItems(
        {
          items,
          label: ({ name }) => name,
          question: (list) => `Delete ${noun} ${list}? ${resource.deleteWarning}`,
          note: (list) => `Deleted ${noun} ${list}.`,
          fields: ({ name }) => ({ name }),
          delete: (id) => endpoint.delete(id),
        },
        options,
      );
    },
  };
}
