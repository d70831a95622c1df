import type { AuditEvent } from '../../contract/audit-events.ts';
import type { Page } from '../../contract/paging.ts';

/** The actions that record that a person viewed values of variables of an app or of a project. */
export const REVEAL_ACTIONS = ['env.revealed', 'project_env.revealed'] as const;

/** Returns the action that all the events have; undefined if they have different actions. */
export function commonAction(events: readonly AuditEvent[]): AuditEvent['action'] | undefined {
  const actions = new Set(events.map(({ action }) => action));
  return actions.size === 1 ? [...actions][0] : undefined;
}

/** Returns the events of the first pages of several lists, and whether no list has further pages. */
export const combineLists = (pages: readonly Page<AuditEvent>[]) => ({
  events: pages.flatMap(({ data }) => data),
  isComplete: pages.every(({ nextCursor }) => nextCursor === null),
});

/** The variables of one app or project whose values a person has viewed. */
interface RevealedEnvironment {
  readonly kind: 'app' | 'project';
  readonly id: string;
  readonly name: string;
  readonly lastRevealedAt: string;
  readonly variables: readonly string[];
}

/** Groups the events by app or project. The events of each app or project must be sorted newest first. */
export function groupByAppOrProject(events: readonly AuditEvent[]): RevealedEnvironment[] {
  const groups = Map.groupBy(events, ({ target }) => target?.id ?? '');
  return [...groups].flatMap(([id, [latest, ...older]]) => {
    if (latest === undefined || id === '') return [];
    const names = [latest, ...older].flatMap(({ detail }) => (Array.isArray(detail['names']) ? detail['names'] : []));
    return {
      id,
      kind: latest.target?.kind === 'project' ? 'project' : 'app',
      name: latest.target?.name ?? id,
      lastRevealedAt: latest.at,
      variables: [...new Set(names.map(String))].sort(),
    };
  });
}
