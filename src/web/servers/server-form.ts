import type { CreateServer, Server, UpdateServer } from '../../contract/servers.ts';
import type { ServerKind } from '../../contract/vocabulary.ts';
import { validateName, validateNewSlug } from '../validation.ts';

export type ServerFormValues = {
  readonly name: string;
  readonly slug: string;
  readonly kind: ServerKind;
  readonly host: string;
  readonly port: number | string;
  readonly user: string;
  readonly hostKey: string;
};

export const NEW_SERVER_VALUES: ServerFormValues = {
  name: '',
  slug: '',
  kind: 'ssh',
  host: '',
  port: 22,
  user: '',
  hostKey: '',
};

export const toFormValues = ({ name, slug, kind, host, port, user, hostKey }: Server): ServerFormValues => ({
  name,
  slug,
  kind,
  host: host ?? '',
  port: port ?? 22,
  user: user ?? '',
  hostKey: hostKey ?? '',
});

const forSsh = (validate: (value: string) => string | null) => (value: string, values: ServerFormValues) =>
  values.kind === 'local' ? null : validate(value);

export const SERVER_RULES = {
  name: validateName,
  slug: validateNewSlug,
  host: forSsh((host) => (host.trim() === '' ? 'Enter a host name or IP address' : null)),
  user: forSsh((user) => (user.trim() === '' ? 'Enter the user to log in as' : null)),
  port: (port: number | string, { kind }: ServerFormValues) =>
    kind === 'local' || (Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535)
      ? null
      : 'Must be a port from 1 to 65535',
};

const emptyToNull = (text: string) => (text.trim() === '' ? null : text.trim());

export function toCreateRequest({ name, slug, kind, host, port, user, hostKey }: ServerFormValues): CreateServer {
  const nameAndSlug = { name, ...(slug !== '' && { slug }) };
  if (kind === 'local') return { ...nameAndSlug, kind };
  return {
    ...nameAndSlug,
    kind,
    host: host.trim(),
    port: Number(port),
    user: user.trim(),
    hostKey: emptyToNull(hostKey),
  };
}

/** Only what was changed: what a colleague changes meanwhile is not overwritten. */
export function toUpdateRequest(before: Server, values: ServerFormValues): UpdateServer {
  const { name, host, port, user, hostKey } = values;
  return {
    ...(name.trim() !== before.name && { name }),
    ...(before.kind === 'ssh' && {
      ...(host.trim() !== before.host && { host: host.trim() }),
      ...(Number(port) !== before.port && { port: Number(port) }),
      ...(user.trim() !== before.user && { user: user.trim() }),
      ...(emptyToNull(hostKey) !== before.hostKey && { hostKey: emptyToNull(hostKey) }),
    }),
  };
}

/** Whether a server may be the machine that Devpilot runs on, as the operator decided. */
export const isLocalAllowed = (): boolean =>
  document.querySelector<HTMLMetaElement>('meta[name=devpilot-local-server]')?.content === 'on';

/**
 * The fingerprint of a public key as OpenSSH writes it (`SHA256:…`); null for what is no key, and where
 * the browser has no digests because the page did not come over HTTPS. The key itself is compared then.
 */
export async function computeFingerprint(publicKey: string): Promise<string | null> {
  const encoded = publicKey.split(' ')[1] ?? '';
  if (!globalThis.isSecureContext || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, '')}`;
}

/** What installs Devpilot's key for the user that the server was made with. */
export const installCommand = (publicKey: string): string =>
  `mkdir -p ~/.ssh && chmod 700 ~/.ssh && echo '${publicKey}' >> ~/.ssh/authorized_keys && chmod 600 ~/.ssh/authorized_keys`;
