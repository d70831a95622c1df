import { notifications } from '@mantine/notifications';
import { createElement } from 'react';
import { ErrorMessage } from './error-message.tsx';

/** Shows the error of an action that has no form or dialog to show it in. */
export function notifyError(error: unknown): void {
  notifications.show({ color: 'red', message: createElement(ErrorMessage, { error }) });
}
