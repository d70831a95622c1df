import { useState } from 'react';
import { getErrorMessage, ignoreNotFound } from '../api.ts';

/** The result of a deletion: null if it succeeded, otherwise the error message. */
export type DeleteResult = string | null;

const MAX_CONCURRENT = 4;

/** Deletes several items, a few at a time. `results` contains the result of each finished deletion by item ID. */
export function useDeleteMany<Item extends { readonly id: string }>(remove: (item: Item) => Promise<unknown>) {
  const [results, setResults] = useState<ReadonlyMap<string, DeleteResult>>(new Map());
  const isDeleted = ({ id }: Item) => results.get(id) === null;

  async function deleteOne(item: Item): Promise<void> {
    const result = await ignoreNotFound(remove(item)).then(() => null, getErrorMessage);
    setResults((before) => new Map(before).set(item.id, result));
  }

  return {
    results,
    isDeleted,
    failedCount: [...results.values()].filter((result) => result !== null).length,
    /** Deletes the items that have not been deleted yet. Removes the results of earlier failures first. */
    async deleteMany(items: readonly Item[]): Promise<void> {
      setResults((before) => new Map([...before].filter(([, result]) => result === null)));
      const queue = items.filter((item) => !isDeleted(item));
      const worker = async () => {
        for (let item = queue.shift(); item !== undefined; item = queue.shift()) await deleteOne(item);
      };
      await Promise.all(Array.from({ length: MAX_CONCURRENT }, worker));
    },
  };
}
