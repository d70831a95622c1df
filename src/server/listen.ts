import { InvalidSettingError } from './settings.ts';

/** `host:port` as written in a URL: an IPv6 address is in brackets. */
export const formatAuthority = (host: string, port: number): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Names of the settings that define a listener's address; both may be the same one. */
export interface ListenerSettingNames {
  readonly host: string;
  readonly port: string;
}

/** Error codes for an address that this machine cannot listen on, whatever the port. */
const NO_ADDRESS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);

/**
 * Calls `listen`. Throws `InvalidSettingError` if this machine has no such address, the user may not listen on the
 * port, or the port is in use; any other error is rethrown.
 */
export async function listenOrExplain<Answer>(
  settings: ListenerSettingNames,
  address: { readonly host: string; readonly port: number },
  listen: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await listen();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && NO_ADDRESS.has(code)) {
      throw new InvalidSettingError(settings.host, `an address of this machine to listen on (${address.host} is not)`);
    }
    if (code === 'EACCES') {
      throw new InvalidSettingError(settings.port, `a port that this user may listen on (${address.port} is not)`);
    }
    if (code === 'EADDRINUSE') {
      const taken = formatAuthority(address.host, address.port);
      throw new InvalidSettingError(settings.port, `a port that nothing else listens on (${taken} is in use)`);
    }
    throw error;
  }
}
