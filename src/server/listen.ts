import { InvalidSettingError } from './settings.ts';

/** Formats `host:port` for a URL, with an IPv6 address in brackets. */
export const formatAuthority = (host: string, port: number): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Names of the settings that define a listener's address. A single setting may define both host and port. */
export interface ListenerSettingNames {
  readonly host: string;
  readonly port: string;
}

/** Error codes for an address that this machine cannot listen on, on any port. */
const UNAVAILABLE_ADDRESS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);

/**
 * Calls `listen`. Throws `InvalidSettingError` if this machine does not have the address, this user may not listen on
 * the port, or the port is in use; rethrows any other error.
 */
export async function listenOrExplain<Result>(
  settings: ListenerSettingNames,
  address: { readonly host: string; readonly port: number },
  listen: () => Promise<Result>,
): Promise<Result> {
  try {
    return await listen();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && UNAVAILABLE_ADDRESS_CODES.has(code)) {
      throw new InvalidSettingError(settings.host, `an address of this machine to listen on (${address.host} is not)`);
    }
    if (code === 'EACCES') {
      throw new InvalidSettingError(settings.port, `a port that this user may listen on (${address.port} is not)`);
    }
    if (code === 'EADDRINUSE') {
      const inUse = formatAuthority(address.host, address.port);
      throw new InvalidSettingError(settings.port, `a port that nothing else listens on (${inUse} is in use)`);
    }
    throw error;
  }
}
