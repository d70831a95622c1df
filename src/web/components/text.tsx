import { Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** Text in the monospace font, such as a name in the API, a path or a command. */
export const mono = (text: ReactNode): ReactNode => <span className="mono">{text}</span>;

/** Less prominent text. */
export const dimmed = (text: ReactNode): ReactNode => (
  <Text span inherit c="dimmed">
    {text}
  </Text>
);
