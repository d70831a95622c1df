import { Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** Text in the monospace font, such as a name in the API, a path or a command. */
export const mono = (text: ReactNode): ReactNode => <span className="mono">{text}</span>;

/** Less prominent text within a line. */
export const dimmed = (text: ReactNode): ReactNode => (
  <Text span inherit c="dimmed">
    {text}
  </Text>
);

/** A less prominent paragraph, such as a hint or the text of an empty list. */
export const DimmedText = ({ role, children }: { readonly role?: 'status'; readonly children: ReactNode }) => (
  <Text fz="sm" c="dimmed" component="div" role={role}>
    {children}
  </Text>
);
