import { Anchor, Button, Group, type MantineSpacing } from '@mantine/core';
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { IconArrowLeft } from './icons.ts';
import styles from './link.module.css';

interface LinkTargetProps {
  readonly to: NonNullable<LinkProps['to']>;
  readonly params?: Readonly<Record<string, string>>;
  readonly search?: Readonly<Record<string, string>>;
  readonly children: ReactNode;
}

/** A link within the workspace. It keeps the `workspace` parameter of the URL. */
export function TextLink({ to, params, search, children, fz }: LinkTargetProps & { readonly fz?: MantineSpacing }) {
  return (
    <Anchor
      inherit={fz === undefined}
      underline={fz === undefined ? 'always' : 'hover'}
      fz={fz}
      renderRoot={(props) => <Link to={to} params={params as never} search={(search ?? {}) as never} {...props} />}
    >
      {children}
    </Anchor>
  );
}

/** A link that looks like a button: the next step of an empty list. */
export function ButtonLink({ to, params, search, children }: LinkTargetProps) {
  return (
    <Button
      renderRoot={(props) => <Link to={to} params={params as never} search={(search ?? {}) as never} {...props} />}
    >
      {children}
    </Button>
  );
}

/** The name of an item in a table or a list, linked to the item's page. A long name is cut after three lines. */
export function NameLink({ to, params, children }: Omit<LinkTargetProps, 'search'>) {
  return (
    <Link
      to={to}
      params={params as never}
      search={{} as never}
      className={styles['name']}
      title={typeof children === 'string' ? children : undefined}
    >
      <bdi>{children}</bdi>
    </Link>
  );
}

/** A link to the list that contains the page's item. */
export function BackLink({ to, params, children }: Omit<LinkTargetProps, 'search'>) {
  return (
    <div className="screen-only">
      <TextLink to={to} params={params} fz="sm">
        <Group gap={6} component="span" display="inline-flex">
          <IconArrowLeft size={16} aria-hidden />
          {children}
        </Group>
      </TextLink>
    </div>
  );
}
