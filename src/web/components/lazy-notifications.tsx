import { useNotifications } from '@mantine/notifications';
import { useEffect, useRef } from 'react';
import { lazyComponent } from './lazy-component.tsx';

const load = () => import('./notification-area.tsx').then((file) => file.NotificationArea);
const NotificationArea = lazyComponent(load);

/**
 * Loads the notification area only for the first notification, to keep the initial page small. The first key press or
 * click preloads it, so that it is also available without a connection.
 */
export function LazyNotifications() {
  const { notifications } = useNotifications();
  // The area stays mounted after the first notification, because notifications are animated while they disappear.
  const isNeeded = useRef(false);
  isNeeded.current ||= notifications.length > 0;
  useEffect(() => {
    const preload = () => void load().catch(() => undefined);
    const events = ['pointerdown', 'keydown'];
    for (const event of events) window.addEventListener(event, preload, { once: true });
    return () => {
      for (const event of events) window.removeEventListener(event, preload);
    };
  }, []);
  return isNeeded.current ? <NotificationArea /> : null;
}
