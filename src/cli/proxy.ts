/**
 * Sends requests to `https:` servers through the proxy of `HTTPS_PROXY`, except to the hosts of `NO_PROXY` and to this
 * machine, with the runtime's own support.
 */
export async function setProxyFromEnvironment(): Promise<void> {
  const { HTTPS_PROXY, https_proxy: lower, NO_PROXY, no_proxy: lowerNoProxy } = process.env;
  const proxy = HTTPS_PROXY ?? lower ?? '';
  if (proxy === '') return;
  const { setGlobalProxyFromEnv } = await import('node:http');
  const noProxy = [NO_PROXY ?? lowerNoProxy ?? '', 'localhost', '127.0.0.1', '::1'].filter((host) => host !== '');
  setGlobalProxyFromEnv({ HTTPS_PROXY: proxy, NO_PROXY: noProxy.join(',') });
}
