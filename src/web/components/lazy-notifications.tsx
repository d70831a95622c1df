import { useNotifications } from '@mantine/notifications';
import { useEffect, useRef } from 'react';
import { lazyComponent } from './lazy-component.tsx';

const load = () => import('./notification-area.tsx').then((file) => file.NotificationArea);
const NotificationArea = lazyComponent(load);

/**
 * Loads the area of the notifications with the first one or, so that it is there without a connection too, with the
 * first key or click. Until then the page has less to load.
 */
export function LazyNotifications() {
  const { notifications } = useNotifications();
  // Once it has been shown, it stays, because the last notification is animated while it disappears.
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
