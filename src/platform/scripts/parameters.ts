import { invalidField } from '../../contract/problem.ts';
import type { Script } from '../../contract/scripts.ts';
import type { ScriptContent } from '../../store/schema/scripts.ts';
import type { PlatformContext } from '../context.ts';

export type ScriptParameter = Script['parameters'][number];
export const parseParameters = (row: ScriptContent): ScriptParameter[] =>
  JSON.parse(row.parameters) as ScriptParameter[];

/**
 * Throws `validation_failed` for a pattern that is invalid or takes too long, and for a default value that does not
 * match its own pattern; `unavailable` if too many patterns wait to be checked. Must be called outside a transaction,
 * because matching may take a while.
 */
export async function validatePatterns(
  context: PlatformContext,
  workspaceId: string,
  parameters: readonly ScriptParameter[] | undefined,
): Promise<void> {
  const checks = (parameters ?? []).flatMap(({ pattern, default: value }, index) =>
    pattern === null ? [] : [{ index, pattern, value }],
  );
  const results = await context.patternMatcher.match(workspaceId, checks);
  if (results === null)
    throw invalidField('parameters', 'must have simpler patterns: matching the defaults took too long');
  for (const [checkIndex, { index }] of checks.entries()) {
    if (results[checkIndex] === 'invalid')
      throw invalidField(`parameters.${index}.pattern`, 'must be a regular expression');
    if (results[checkIndex] === 'mismatch') throw invalidField(`parameters.${index}.default`, 'must match the pattern');
  }
}
