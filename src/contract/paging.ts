import { z } from 'zod';
import { integerParameter, oneOf } from './fields.ts';
import { instantInput } from './instant.ts';
import { LIMITS } from './limits.ts';
import { RESOURCE_SORTS } from './platform-vocabulary.ts';

/** Returns the schema of a page of a list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    data: z.array(item),
    nextCursor: z.string().nullable().describe('Cursor of the next page; null on the last page'),
  });
}
export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

/** Returns the schema of a page of a list with the number of results over all pages. */
export function countedPageOf<T extends z.ZodType>(item: T) {
  return pageOf(item).extend({
    total: z
      .int()
      .min(0)
      .nullable()
      .describe(
        `Number of results on all pages; null if there are more than ${LIMITS.countedTotal}, or if a filtered list is too long to be counted`,
      ),
  });
}
export interface CountedPage<T> extends Page<T> {
  total: number | null;
}

export const pagingFields = {
  limit: integerParameter(1, LIMITS.page.max)
    .meta({ default: LIMITS.page.default })
    .optional()
    .describe('Maximum number of results per page'),
  cursor: z.string().min(1).max(LIMITS.cursor.max).optional().describe('The `nextCursor` of the previous page'),
};
export const PageQuery = z.strictObject(pagingFields);
export type PageQuery = z.infer<typeof PageQuery>;

export const instantFilter = instantInput.optional();

export const resourceSort = oneOf(RESOURCE_SORTS)
  .optional()
  .describe('`-` for descending order; defaults to `-createdAt`');
export const searchQuery = z.string().max(LIMITS.query.max).optional().describe('Text in the name, case-insensitive');

export const ResourceQuery = z.strictObject({ ...pagingFields, q: searchQuery, sort: resourceSort });
export type ResourceQuery = z.infer<typeof ResourceQuery>;
