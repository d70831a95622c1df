import type { ServerKind } from '../../contract/platform-vocabulary.ts';
import type { CreateServer, Server, UpdateServer } from '../../contract/servers.ts';
import { emptyToNull } from '../form-values.ts';
import { validateName, validateNewSlug } from '../validation.ts';
import { strings } from './strings.ts';

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

/** Returns a validator that accepts any value for local servers. */
const forSsh = (validate: (value: string) => string | null) => (value: string, values: ServerFormValues) =>
  values.kind === 'local' ? null : validate(value);

export const SERVER_RULES = {
  name: validateName,
  slug: validateNewSlug,
  host: forSsh((host) => (host.trim() === '' ? strings.serverForm.hostMissing : null)),
  user: forSsh((user) => (user.trim() === '' ? strings.serverForm.userMissing : null)),
  port: (port: number | string, { kind }: ServerFormValues) =>
    kind === 'local' || (Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535)
      ? null
      : strings.serverForm.portInvalid,
};

/** Converts the form to the fields that can be changed after the server has been created. */
export function toRequestFields({ name, kind, host, port, user, hostKey }: ServerFormValues): UpdateServer {
  return {
    name: name.trim(),
    ...(kind === 'ssh' && {
      host: host.trim(),
      port: Number(port),
      user: user.trim(),
      hostKey: emptyToNull(hostKey),
    }),
  };
}

export function toCreateRequest(values: ServerFormValues): CreateServer {
  const { name, slug, kind, host, port, user, hostKey } = values;
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

/**
 * Returns whether `DEVPILOT_LOCAL_SERVER` is on. A local server is the machine that runs Devpilot; only workspaces that
 * an operator owns can have one.
 */
export const isLocalAllowed = (): boolean =>
  document.querySelector<HTMLMetaElement>('meta[name=devpilot-local-server]')?.content === 'on';

/**
 * Returns the fingerprint of a public key in OpenSSH format (`SHA256:…`). Returns null if the key is invalid, or if the
 * page was served over plain HTTP, because browsers then have no `crypto.subtle`.
 */
export async function computeFingerprint(publicKey: string): Promise<string | null> {
  const encoded = publicKey.split(' ')[1] ?? '';
  if (!globalThis.isSecureContext || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, '')}`;
}

/** Returns the shell command that installs Devpilot's public key for the user who runs the command. */
export const installCommand = (publicKey: string): string =>
  `mkdir -p ~/.ssh && chmod 700 ~/.ssh && echo '${publicKey}' >> ~/.ssh/authorized_keys && chmod 600 ~/.ssh/authorized_keys`;

/** Returns `user@host`, followed by the port if it is not 22. An IPv6 address before a port is in brackets. */
export function formatSshAddress({ user, host, port }: Pick<Server, 'user' | 'host' | 'port'>): string {
  if (port === 22) return `${user}@${host}`;
  return `${user}@${host?.includes(':') ? `[${host}]` : host}:${port}`;
}
