import { Anchor, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { AuditEvent } from '../../contract/audit-events.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, QueryContent } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const texts = strings.revealedVariables;
/** Maximum number of variables that are named per app or project. */
const MAX_NAMED = 5;

/** The variables of one app or project whose values a person has viewed. */
interface RevealedEnvironment {
  readonly kind: 'app' | 'project';
  readonly id: string;
  readonly name: string;
  readonly lastRevealedAt: string;
  readonly variables: readonly string[];
}

/** Groups the events by app or project. The events of each app or project must be sorted newest first. */
function groupByAppOrProject(events: readonly AuditEvent[]): RevealedEnvironment[] {
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

interface RevealedVariablesProps {
  readonly personId: string;
  readonly personName: string;
}

/** The variables whose values a person has viewed according to recent events, grouped by app and project. */
export function RevealedVariables({ personId, personName }: RevealedVariablesProps) {
  const { workspace, api } = useWorkspace();
  const query = useQuery({
    queryKey: [workspace.id, 'audit-events', 'revealed-by', personId],
    queryFn: async ({ signal }) => {
      const lists = await Promise.all(
        (['env.revealed', 'project_env.revealed'] as const).map((action) =>
          api.auditEvents.list({ actor: personId, action, limit: 200 }, { signal }),
        ),
      );
      return lists.flatMap(({ data }) => data);
    },
  });
  return (
    <QueryContent query={query} placeholder={<BlockSkeleton height={80} />}>
      {(events) =>
        events.length === 0 ? (
          <DimmedText>{texts.none(personName)}</DimmedText>
        ) : (
          <Section
            title={texts.title}
            description={texts.description(personName)}
            actions={
              <Anchor
                fz="sm"
                renderRoot={(props) => (
                  <Link
                    to="/settings/activity-log"
                    search={{ workspace: workspace.slug, actor: personId, action: events[0]?.action }}
                    {...props}
                  />
                )}
              >
                {texts.viewLog}
              </Anchor>
            }
          >
            <ItemList label={texts.title}>
              {groupByAppOrProject(events).map(({ id, kind, name, lastRevealedAt, variables }) => (
                <ItemListRow
                  key={id}
                  title={
                    <Anchor
                      fz="sm"
                      renderRoot={(props) => (
                        <Link
                          {...(kind === 'app'
                            ? { to: '/apps/$app/environment' as const, params: { app: id } }
                            : { to: '/projects/$project' as const, params: { project: id } })}
                          search={{ workspace: workspace.slug }}
                          {...props}
                        />
                      )}
                    >
                      {name}
                    </Anchor>
                  }
                  note={
                    <>
                      <Text span inherit className="mono">
                        {texts.names(
                          variables.slice(0, MAX_NAMED).join(', '),
                          Math.max(0, variables.length - MAX_NAMED),
                        )}
                      </Text>{' '}
                      · {texts.lastRevealed(<RelativeTime time={lastRevealedAt} />)}
                    </>
                  }
                />
              ))}
            </ItemList>
          </Section>
        )
      }
    </QueryContent>
  );
}
