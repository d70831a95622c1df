import { Notifications } from '@mantine/notifications';

/** The area of the page that shows notifications. */
export const NotificationArea = () => <Notifications position="bottom-right" notificationMaxHeight={480} />;
