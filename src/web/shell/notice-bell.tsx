import { ActionIcon, Indicator } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconBell } from '../components/icons.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const REFRESH_MS = 60_000;
const MAX_SHOWN = 99;

/** A link to the page of notices that shows how many notices are open. For owners and admins. */
export function NoticeBell() {
  const { api, workspace, isAdmin } = useWorkspace();
  const { data } = useQuery({
    queryKey: [workspace.id, 'notices', 'count'],
    queryFn: ({ signal }) => api.notices.list({ status: 'open', limit: 1 }, { signal }),
    enabled: isAdmin,
    refetchInterval: REFRESH_MS,
    retry: false,
  });
  if (!isAdmin) return null;
  // Null if there are too many notices for the server to count.
  const count = data === undefined ? 0 : data.total;
  return (
    <Indicator
      label={count === null || count > MAX_SHOWN ? strings.bell.many : count}
      disabled={count === 0}
      size={18}
      offset={6}
      classNames={{ indicator: 'button-danger' }}
    >
      <ActionIcon
        variant="subtle"
        color="gray"
        c="inherit"
        size="lg"
        renderRoot={(props) => (
          <Link
            to="/notices"
            search={{ workspace: workspace.slug }}
            {...props}
            aria-label={strings.bell.label(count)}
          />
        )}
      >
        <IconBell size={20} aria-hidden />
      </ActionIcon>
    </Indicator>
  );
}
