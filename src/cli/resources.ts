import { randomUUID } from 'node:crypto';
import type { CallOptions, Client } from '../sdk/client.ts';
import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { readJson } from './files.ts';
import { confirm, readCount } from './input.ts';
import { type Column, note, plain, printJson, printList, printOne, taken } from './output.ts';

/** What commands of projects, apps, servers and scripts have in common. */
interface Named {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
}

export interface Kind<Item extends Named, Query, Create, Update> {
  readonly noun: string;
  readonly columns: readonly Column<Item>[];
  readonly facts: readonly Column<Item>[];
  /** What is said before one is deleted. */
  readonly loss: string;
  of(client: Client): {
    all(query: Query): AsyncIterable<Item>;
    get(idOrSlug: string): Promise<Item>;
    create(body: Create, call?: CallOptions): Promise<Item>;
    update(idOrSlug: string, body: Update): Promise<Item>;
    delete(idOrSlug: string): Promise<void>;
  };
}

export interface ListOptions extends Common {
  readonly search?: string;
  readonly sort?: string;
  readonly limit?: string;
}

/** What every list of resources can be asked for. The server knows which words there are, and says so. */
export const listQuery = ({ search, sort }: ListOptions) => ({ q: search, sort: sort as 'name' | undefined });

export interface BodyOptions extends Common {
  /** A file with a body as the API takes it; options go before what it says. */
  readonly from?: string;
}

/** Fields that were given; null for an empty text. */
export function given(fields: Readonly<Record<string, string | undefined>>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, text === '' ? null : text] as const],
    ),
  );
}

/**
 * A body of the API out of `--from` and the options that go before it; `unless` stands for what neither says. The
 * server checks it field by field.
 */
async function bodyOf<Body>(from: string | undefined, fields: object, unless: object = {}): Promise<Body> {
  const read = from === undefined ? {} : await readJson(from);
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw new Failure('--from takes a file with one JSON object, as the API takes it.');
  }
  return { ...unless, ...read, ...fields } as Body;
}

export function commandsOf<Item extends Named, Query, Create, Update>(kind: Kind<Item, Query, Create, Update>) {
  const { noun, columns, facts } = kind;
  return {
    async list(query: Query, options: ListOptions): Promise<void> {
      const most = readCount('--limit', options.limit) ?? Number.POSITIVE_INFINITY;
      await printList(await taken(kind.of(connect(options)).all(query), most), columns, options);
    },
    async show(named: string, options: Common): Promise<void> {
      await printOne(await kind.of(connect(options)).get(named), facts, options);
    },
    async create(fields: object, options: BodyOptions, unless?: object): Promise<void> {
      const body = await bodyOf<Create>(options.from, fields, unless);
      const made = await kind.of(connect(options)).create(body, { idempotencyKey: randomUUID() });
      note(`Created the ${noun} ${plain(made.name)}.`, options);
      await printOne(made, facts, options);
    },
    async update(named: string, fields: object, options: BodyOptions): Promise<void> {
      const body = await bodyOf<Update & object>(options.from, fields);
      if (Object.keys(body).length === 0) throw new Failure('Give what to change, by options or --from.');
      const changed = await kind.of(connect(options)).update(named, body);
      note(`Changed the ${noun} ${plain(changed.name)}.`, options);
      await printOne(changed, facts, options);
    },
    async delete(names: readonly string[], options: Common & { yes?: true }): Promise<void> {
      const calls = kind.of(connect(options));
      const items: Item[] = [];
      for (const named of names) items.push(await calls.get(named));
      const list = items.map(({ name, id }) => `${plain(name)} (${id})`).join(', ');
      await confirm(`Delete the ${noun} ${list}? ${kind.loss}`, options.yes);
      for (const { id } of items) await calls.delete(id);
      if (options.json === true) await printJson(items.map(({ id, name }) => ({ id, name, deleted: true })));
      else note(`Deleted the ${noun} ${list}.`, options);
    },
  };
}
