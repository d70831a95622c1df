import { InvalidSettingError } from './settings.ts';

/** `host:port` as it stands in a URL: an IPv6 address has brackets around it. */
export const formatAuthority = (host: string, port: number): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** The settings that a listener's address comes from, which may be one. */
export interface ListenerSettingNames {
  readonly host: string;
  readonly port: string;
}

/** What a machine answers that cannot listen on an address, whatever the port. */
const NO_ADDRESS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);

/**
 * Runs `listen`. Throws `InvalidSettingError` where this machine has no such address, lets this user not listen on such a
 * port, or something else listens there; anything else is thrown as it came.
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
