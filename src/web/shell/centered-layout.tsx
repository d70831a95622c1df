import { Paper, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTitle } from '../components/page.tsx';
import { DimmedText } from '../components/text.tsx';
import { Brand } from './brand.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import styles from './shell.module.css';

interface CenteredLayoutProps {
  readonly title: string;
  readonly description?: ReactNode;
  readonly children?: ReactNode;
  readonly footer?: ReactNode;
}

/** A page without navigation, such as those for signing in, setting up and accepting an invitation. */
export function CenteredLayout({ title, description, children, footer }: CenteredLayoutProps) {
  useTitle(title);
  return (
    <>
      <ConnectionBanner />
      <main className={styles['centered']}>
        <Stack gap="lg" w="100%" maw={440}>
          <Brand />
          <Paper withBorder radius="lg" p={{ base: 'lg', xs: 'xl' }} shadow="xs">
            <Stack gap="md">
              <Stack gap={4}>
                <Title order={1} fz={24}>
                  {title}
                </Title>
                {description !== undefined && <DimmedText>{description}</DimmedText>}
              </Stack>
              {children}
            </Stack>
          </Paper>
          {footer}
        </Stack>
      </main>
    </>
  );
}
