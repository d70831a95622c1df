import { Anchor, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, QueryContent } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { combineLists, commonAction, groupByAppOrProject, REVEAL_ACTIONS } from './reveals.ts';
import { strings } from './strings.ts';

const texts = strings.revealedVariables;
/** Maximum number of variables that are named per app or project. */
const MAX_NAMED = 5;
/** Maximum number of events that are read per action. */
const MAX_EVENTS = 200;

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
        REVEAL_ACTIONS.map((action) =>
          api.auditEvents.list({ actor: personId, action, limit: MAX_EVENTS }, { signal }),
        ),
      );
      return combineLists(lists);
    },
  });
  return (
    <QueryContent query={query} placeholder={<BlockSkeleton height={80} />}>
      {({ events, isComplete }) =>
        events.length === 0 ? (
          <DimmedText>{texts.none(personName)}</DimmedText>
        ) : (
          <Section
            title={texts.title}
            description={isComplete ? texts.description(personName) : texts.incompleteDescription(personName)}
            actions={
              <Anchor
                fz="sm"
                renderRoot={(props) => (
                  <Link
                    to="/settings/activity-log"
                    search={{ workspace: workspace.slug, actor: personId, action: commonAction(events) }}
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
