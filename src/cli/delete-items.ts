import type { RemoteOptions } from './connect.ts';
import { confirm } from './input.ts';
import { printJson, printNote, sanitizeInline } from './output.ts';

export interface DeleteOptions extends RemoteOptions {
  /** Skip the confirmation. */
  readonly yes: true | undefined;
}

interface Deletion<Item extends { readonly id: string }> {
  readonly items: readonly Item[];
  /** Returns the name of an item, shown beside its ID. */
  readonly label?: (item: Item) => string;
  /** Texts of the confirmation and of the success message; `list` names the items. */
  readonly question: (list: string) => string;
  readonly note: (list: string) => string;
  /** Returns the fields of an item that `--json` prints besides its ID. */
  readonly fields?: (item: Item) => object;
  readonly delete: (id: string) => Promise<unknown>;
}

/**
 * Asks for confirmation, deletes the items one at a time, and prints which were deleted, even if the deletion of one
 * fails.
 */
export async function deleteItems<Item extends { readonly id: string }>(
  { items, label, question, note, fields, delete: deleteItem }: Deletion<Item>,
  options: DeleteOptions,
): Promise<void> {
  const describe = (listed: readonly Item[]) =>
    listed.map((item) => (label === undefined ? item.id : `${sanitizeInline(label(item))} (${item.id})`)).join(', ');
  await confirm(question(describe(items)), options.yes);
  const deleted: Item[] = [];
  try {
    for (const item of items) {
      await deleteItem(item.id);
      deleted.push(item);
    }
  } finally {
    if (deleted.length > 0) {
      if (options.json === true)
        await printJson(deleted.map((item) => ({ id: item.id, ...fields?.(item), deleted: true })));
      else printNote(note(describe(deleted)), options);
    }
  }
}
