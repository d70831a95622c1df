import { Button, Center, Code, Group, Paper, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { ErrorMessage } from './error-message.tsx';
import { IconAlertTriangle, IconCloudOff, IconLock, IconRefresh } from './icons.ts';
import { strings } from './strings.ts';
import { DimmedText } from './text.tsx';

interface StatePanelProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
  readonly role?: 'alert' | 'status';
}

function StatePanel({ icon, title, children, action, role }: StatePanelProps) {
  return (
    <Paper withBorder p="xl" radius="lg" {...(role !== undefined && { role })}>
      <Center mih={200}>
        <Stack align="center" gap="sm" maw={520} ta="center">
          <ThemeIcon size={52} radius="xl" variant="light" aria-hidden>
            {icon}
          </ThemeIcon>
          <Title order={2} fz="lg">
            {title}
          </Title>
          {children !== undefined && <DimmedText>{children}</DimmedText>}
          {action !== undefined && action !== false && (
            <Group gap="xs" justify="center">
              {action}
            </Group>
          )}
        </Stack>
      </Center>
    </Paper>
  );
}

/** Shown instead of something that does not exist, such as the rows of an empty list. */
export function EmptyState(props: Omit<StatePanelProps, 'role'>) {
  return <StatePanel {...props} />;
}

/**
 * An error, with a button to try again and the request ID, by which an operator finds the request in the server's log.
 * `forbidden` is shown as `NoPermission`.
 */
export function ErrorState({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  if (error instanceof DevpilotError && error.code === 'forbidden') return <NoPermission />;
  const isUnreachable = error instanceof DevpilotError && error.status === 0;
  return (
    <StatePanel
      role="alert"
      icon={isUnreachable ? <IconCloudOff size={26} /> : <IconAlertTriangle size={26} />}
      title={isUnreachable ? strings.states.unreachableTitle : strings.states.loadingFailedTitle}
      action={
        retry !== undefined && (
          <Button variant="default" leftSection={<IconRefresh size={16} />} onClick={() => retry()}>
            {strings.states.tryAgain}
          </Button>
        )
      }
    >
      <ErrorMessage error={error} />
      {error instanceof DevpilotError && error.requestId !== undefined && (
        <Text fz="xs" mt="sm">
          {strings.states.requestId(<Code>{error.requestId}</Code>)}
        </Text>
      )}
    </StatePanel>
  );
}

export function NoPermission({ children }: { readonly children?: ReactNode }) {
  return (
    <StatePanel icon={<IconLock size={26} />} title={strings.states.noPermissionTitle}>
      {children ?? strings.states.noPermissionHint}
    </StatePanel>
  );
}

interface QueryContentProps<Data> {
  readonly query: { readonly data: Data | undefined; readonly error: unknown; refetch(): unknown };
  /** Shown while the query loads. */
  readonly placeholder?: ReactNode;
  readonly children: (data: Data) => ReactNode;
}

/** The content of a query in any state: loading, failed, or loaded. A failed refetch does not hide loaded data. */
export function QueryContent<Data>({ query, placeholder = <BlockSkeleton />, children }: QueryContentProps<Data>) {
  if (query.data !== undefined) return children(query.data);
  return query.error === null ? placeholder : <ErrorState error={query.error} retry={() => void query.refetch()} />;
}

/** Placeholder for a table that is loading; about as high as the table. */
export function TableSkeleton({ rows = 8 }: { readonly rows?: number }) {
  const widths = ['22%', '26%', '10%', '14%', '12%'];
  return (
    <Paper withBorder radius="lg" aria-busy aria-label={strings.states.loading} role="status">
      {Array.from({ length: rows }, (_, row) => (
        <Group
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows are identical
          key={row}
          px="md"
          h={62}
          gap="lg"
          wrap="nowrap"
          justify="space-between"
        >
          {widths.map((width) => (
            <Skeleton key={width} h={12} w={width} radius="sm" />
          ))}
        </Group>
      ))}
    </Paper>
  );
}

/** Placeholder for a form or details that are loading. */
export function BlockSkeleton({ height = 240 }: { readonly height?: number }) {
  return <Skeleton h={height} radius="lg" aria-busy aria-label={strings.states.loading} role="status" />;
}
