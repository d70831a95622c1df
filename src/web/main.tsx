import '@mantine/core/styles.css';
import '@mantine/dates/styles.css';
import '@mantine/notifications/styles.css';
import './styles.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { queryClient, setSignedOutHandler } from './api.ts';
import { trackFocus } from './components/focus.ts';
import { LazyNotifications } from './components/lazy-notifications.tsx';
import { hasUnsavedInput } from './components/unsaved-input.ts';
import { setReconnectHandler } from './connection.ts';
import { router } from './router.tsx';
import { clearSessionData } from './session.ts';
import { resolveVariables, theme } from './theme.ts';

// The CSP nonce of the HTML response, for the styles that Mantine and its scroll lock insert.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
setNonce(nonce);

trackFocus();
setSignedOutHandler(() => {
  const { pathname, href } = router.state.location;
  if (['/sign-in', '/setup', '/accept-invitation'].includes(pathname)) return;
  // Stays on the page, so that no input is lost. The error of the request links to sign-in.
  if (hasUnsavedInput()) return;
  clearSessionData();
  void router.navigate({ to: '/sign-in', search: { from: href } });
});
setReconnectHandler(() => {
  void queryClient.invalidateQueries();
  if (router.state.matches.some(({ status }) => status === 'error')) void router.invalidate();
});

/**
 * Applies the stylesheet, which the HTML only preloads. Resolves even if it cannot be loaded: the page works without
 * it.
 */
function applyStylesheet(): Promise<unknown> {
  const link = document.querySelector<HTMLLinkElement>('link[rel=preload][as=style]');
  if (link === null) return Promise.resolve();
  return new Promise((resolve) => {
    link.addEventListener('load', resolve);
    link.addEventListener('error', resolve);
    link.rel = 'stylesheet';
  });
}

/**
 * Renders the page once its route and stylesheet are loaded. Before that, the browser shows the layout of index.html.
 */
async function start(): Promise<void> {
  // Mantine stores the selected color scheme under this key.
  const scheme = localStorage.getItem('mantine-color-scheme-value') ?? 'auto';
  if (scheme !== 'auto') document.documentElement.dataset['mantineColorScheme'] = scheme;
  const rootElement = document.getElementById('root');
  if (rootElement === null) throw new Error('The page has no #root element.');
  await Promise.all([applyStylesheet(), router.load()]);
  flushSync(() =>
    createRoot(rootElement).render(
      <StrictMode>
        <MantineProvider
          theme={theme}
          cssVariablesResolver={resolveVariables}
          defaultColorScheme="auto"
          getStyleNonce={() => nonce}
        >
          <QueryClientProvider client={queryClient}>
            <LazyNotifications />
            <RouterProvider router={router} />
          </QueryClientProvider>
        </MantineProvider>
      </StrictMode>,
    ),
  );
  document.getElementById('initial-layout')?.remove();
}

void start();
