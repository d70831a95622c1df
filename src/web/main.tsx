import '@mantine/core/styles.css';
import '@mantine/dates/styles.css';
import '@mantine/notifications/styles.css';
import './styles.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient, setSignedOutHandler } from './api.ts';
import { trackFocus } from './components/focus.ts';
import { setReconnectHandler } from './connection.ts';
import { router } from './router.tsx';
import { clearSessionData } from './session.ts';
import { resolveVariables, theme } from './theme.ts';

// The nonce of this response for the styles that Mantine and its scroll lock insert.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
setNonce(nonce);

trackFocus();
setSignedOutHandler(() => {
  const { pathname, href } = router.state.location;
  if (['/sign-in', '/setup', '/accept-invitation'].includes(pathname)) return;
  clearSessionData();
  void router.navigate({ to: '/sign-in', search: { from: href } });
});
setReconnectHandler(() => {
  void queryClient.invalidateQueries();
  if (router.state.matches.some(({ status }) => status === 'error')) void router.invalidate();
});

const rootElement = document.getElementById('root');
if (rootElement === null) throw new Error('The page has no #root element.');
createRoot(rootElement).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={resolveVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
