import { Centre } from '../shell/centre.tsx';

export function DevicePage() {
  return <Centre title="Sign a device in" />;
}
