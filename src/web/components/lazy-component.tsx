import { type ComponentType, lazy, type ReactNode, Suspense } from 'react';
import { importWhenOnline } from '../connection.ts';

/**
 * Returns a component, such as a dialog or a chart, whose code is loaded when it is first rendered. `fallback` is shown
 * while the code loads.
 */
export function lazyComponent<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  fallback: ReactNode = null,
): ComponentType<Props> {
  const Component: ComponentType<Props> = lazy(async () => ({ default: await importWhenOnline(load) }));
  return (props) => (
    <Suspense fallback={fallback}>
      <Component {...props} />
    </Suspense>
  );
}
