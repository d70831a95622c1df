import { Notifications } from '@mantine/notifications';

/** Where notifications are shown. */
export const NotificationArea = () => <Notifications position="bottom-right" notificationMaxHeight={480} />;
