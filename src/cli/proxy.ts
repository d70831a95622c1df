/**
 * Configures Node to send requests to `https:` URLs through the proxy in `HTTPS_PROXY`, except to hosts in
 * `NO_PROXY` and to this machine.
 */
export async function setProxyFromEnvironment(): Promise<void> {
  const { HTTPS_PROXY, https_proxy: lowerHttpsProxy, NO_PROXY, no_proxy: lowerNoProxy } = process.env;
  const proxy = HTTPS_PROXY ?? lowerHttpsProxy ?? '';
  if (proxy === '') return;
  const { setGlobalProxyFromEnv } = await import('node:http');
  const noProxy = [NO_PROXY ?? lowerNoProxy ?? '', 'localhost', '127.0.0.1', '::1'].filter((host) => host !== '');
  setGlobalProxyFromEnv({ HTTPS_PROXY: proxy, NO_PROXY: noProxy.join(',') });
}
