import type { Client } from '../../sdk/client.ts';
import { strings } from './strings.ts';

export type DestinationGroup = keyof typeof strings.groups;

/** A page that the palette can open. */
export interface Destination {
  /** Unique among all destinations. */
  readonly id: string;
  readonly group: DestinationGroup;
  readonly label: string;
  /** Distinguishes destinations with the same name: a slug, or the end of a secret. */
  readonly note: string | null;
  readonly to: string;
  readonly params: Readonly<Record<string, string>>;
}

/** The roles on which the visible pages depend. */
interface Roles {
  readonly isAdmin: boolean;
  readonly isOperator: boolean;
}

const PAGES: readonly (readonly [to: string, label: string, requires?: keyof Roles])[] = [
  ['/projects', strings.pages.projects],
  ['/apps', strings.pages.apps],
  ['/deployments', strings.pages.deployments],
  ['/servers', strings.pages.servers],
  ['/scripts', strings.pages.scripts],
  ['/activity', strings.pages.activity],
  ['/notices', strings.pages.notices, 'isAdmin'],
  ['/errors', strings.pages.errors],
  ['/errors/keys', strings.pages.errorKeys, 'isAdmin'],
  ['/settings/access-tokens', strings.pages.accessTokens],
  ['/settings/api-keys', strings.pages.apiKeys],
  ['/settings/workload-identities', strings.pages.workloadIdentities],
  ['/settings/members', strings.pages.members],
  ['/settings/review', strings.pages.review, 'isAdmin'],
  ['/settings/activity-log', strings.pages.activityLog, 'isAdmin'],
  ['/settings/policy', strings.pages.policy, 'isAdmin'],
  ['/settings/webhooks', strings.pages.webhooks, 'isAdmin'],
  ['/settings/workspace', strings.pages.workspace],
  ['/account', strings.pages.account],
  ['/people', strings.pages.people, 'isOperator'],
];

/** Returns the pages that a person can open and whose name contains every word of the text. */
export function findPages(text: string, roles: Roles): readonly Destination[] {
  const words = text.toLowerCase().split(/\s+/);
  return PAGES.filter(
    ([, label, requires]) =>
      (requires === undefined || roles[requires]) && words.every((word) => label.toLowerCase().includes(word)),
  ).map(([to, label]) => ({ id: to, group: 'pages', label, note: null, to, params: {} }));
}

/** Maximum number of results per kind. */
const MAX_RESULTS = 5;

export interface SearchResult {
  readonly destinations: readonly Destination[];
  /** Whether some lists could not be loaded, for example because the person has no access to them. */
  readonly isIncomplete: boolean;
}

/** Finds resources and credentials by name. Omits lists that cannot be loaded. */
export async function searchByName(api: Client, q: string, signal: AbortSignal): Promise<SearchResult> {
  const query = { q, limit: MAX_RESULTS };
  const options = { signal };
  const toResourceDestination = (group: DestinationGroup, noun: 'project' | 'app' | 'server' | 'script') => {
    return ({ id, name, slug }: { readonly id: string; readonly name: string; readonly slug?: string }) => ({
      id,
      group,
      label: name,
      note: slug ?? null,
      // The page's route, such as `/projects/$project`, whose parameter is named after the noun.
      to: `/${noun}s/$${noun}`,
      params: { [noun]: id },
    });
  };
  const toCredentialDestination = (group: DestinationGroup, to: string) => {
    return ({ id, name, hint }: { readonly id: string; readonly name: string; readonly hint: string }) => ({
      id,
      group,
      label: name,
      note: hint === '' ? null : `…${hint}`,
      to,
      params: { id },
    });
  };
  const lists = await Promise.allSettled([
    api.projects.list(query, options).then(({ data }) => data.map(toResourceDestination('projects', 'project'))),
    api.apps.list(query, options).then(({ data }) => data.map(toResourceDestination('apps', 'app'))),
    api.servers.list(query, options).then(({ data }) => data.map(toResourceDestination('servers', 'server'))),
    api.scripts.list(query, options).then(({ data }) => data.map(toResourceDestination('scripts', 'script'))),
    api.accessTokens
      .list(query, options)
      .then(({ data }) => data.map(toCredentialDestination('accessTokens', '/settings/access-tokens/$id'))),
    api.apiKeys
      .list(query, options)
      .then(({ data }) => data.map(toCredentialDestination('apiKeys', '/settings/api-keys/$id'))),
  ]);
  return {
    destinations: lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : [])),
    isIncomplete: lists.some(({ status }) => status === 'rejected'),
  };
}
