import { BadSetting } from '../settings.ts';

/** `host:port` as it stands in a URL: an IPv6 address has brackets around it. */
export const authorityOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** The settings that a listener's address comes from, which may be one. */
export interface ListenerSettings {
  readonly host: string;
  readonly port: string;
}

/**
 * Runs `listen`. Throws `BadSetting` where this machine has no such address, or lets nobody listen on such
 * a port; a port that is merely taken, and anything else, is thrown as it came.
 */
export async function listenOn<Answer>(
  settings: ListenerSettings,
  address: { readonly host: string; readonly port: number },
  listen: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await listen();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL') {
      throw new BadSetting(settings.host, `an address of this machine to listen on (${address.host} is none)`);
    }
    if (code === 'EACCES') {
      throw new BadSetting(settings.port, `a port that this user may listen on (${address.port} is none)`);
    }
    throw error;
  }
}
