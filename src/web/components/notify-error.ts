import { notifications } from '@mantine/notifications';
import { getErrorMessage } from '../api.ts';

/** Shows the error of an action that has no form or dialog to show it in. */
export function notifyError(error: unknown): void {
  notifications.show({ color: 'red', message: getErrorMessage(error) });
}
