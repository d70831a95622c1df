import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { Section } from './section.tsx';

interface DangerSectionProps {
  /** The action, such as "Delete app". */
  readonly title: string;
  readonly description: string;
  /** The dialog that asks for confirmation. Rendered while it is open. */
  readonly children: (close: () => void) => ReactNode;
}

/** The last section of a settings page: an action that cannot be undone. */
export function DangerSection({ title, description, children }: DangerSectionProps) {
  const [opened, { open, close }] = useDisclosure();
  return (
    <Section
      title={title}
      description={description}
      tone="danger"
      actions={
        <Button className="button-danger" onClick={open}>
          {title}…
        </Button>
      }
    >
      {opened && children(close)}
    </Section>
  );
}
