import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { type Client, createClient, DevpilotError } from '../sdk/client.ts';
import { capitalize } from './components/format.ts';
import { hasUnsavedInput } from './components/unsaved-input.ts';
import { markReachable, markUnreachable } from './connection.ts';
import { strings } from './strings.ts';

const trackedFetch: typeof fetch = async (input, init) => {
  try {
    const response = await fetch(input, init);
    markReachable();
    return response;
  } catch (error) {
    if (init?.signal?.aborted !== true) markUnreachable();
    throw error;
  }
};

/** The API client for requests outside a workspace: sign-in, account, list of workspaces. */
export const api = createClient({ fetch: trackedFetch });

const workspaceClients = new Map<string, Client>();
/**
 * Returns the API client of one workspace. Its requests never reach another workspace, even after the tab has switched
 * to one.
 */
export function getWorkspaceApi(workspaceId: string): Client {
  const cached = workspaceClients.get(workspaceId);
  if (cached !== undefined) return cached;
  const client = createClient({ fetch: trackedFetch, workspace: workspaceId });
  workspaceClients.set(workspaceId, client);
  return client;
}

/** Returns whether the error means that the session has ended and the user must sign in again. */
export function isSignedOutError(error: unknown): boolean {
  return error instanceof DevpilotError && (error.code === 'missing_credential' || error.code === 'invalid_token');
}

/** Returns whether the error means that the workspace requires the person to turn on two-factor authentication. */
export function isSecondFactorNeededError(error: unknown): boolean {
  return error instanceof DevpilotError && error.code === 'second_factor_needed';
}

let signedOutHandler: () => void = () => {};
/** Sets the handler that is called when a response shows that the session has ended. */
export function setSignedOutHandler(handler: () => void): void {
  signedOutHandler = handler;
}
const handleSignedOutError = (error: unknown) => {
  if (isSignedOutError(error)) signedOutHandler();
};

export const SECOND_FACTOR_NEEDED_KEY = ['second-factor-needed'] as const;
/** Returns the query key of a flag: whether a workspace denies the person access without two-factor authentication. */
export const secondFactorNeededKey = (workspaceId: unknown) => [...SECOND_FACTOR_NEEDED_KEY, workspaceId] as const;

/**
 * Handles the end of the session, and records that a workspace requires two-factor authentication: its ID is the first
 * element of the query key.
 */
function handleQueryError(error: unknown, { queryKey }: { readonly queryKey: readonly unknown[] }): void {
  handleSignedOutError(error);
  // If there is unsaved input, the page stays as it is. The error that it shows links to the account page.
  if (isSecondFactorNeededError(error) && !hasUnsavedInput())
    queryClient.setQueryData(secondFactorNeededKey(queryKey[0]), true);
}

/** The API clients themselves retry safe requests, so TanStack Query must not retry them again. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: handleQueryError }),
  mutationCache: new MutationCache({ onError: handleSignedOutError }),
  defaultOptions: {
    queries: { networkMode: 'always', retry: false, staleTime: 10_000, refetchOnWindowFocus: true },
    // The variables of a mutation can contain a password, so they are not kept after the form unmounts.
    mutations: { networkMode: 'always', retry: false, gcTime: 0 },
  },
});

/**
 * Resolves if the request succeeds, or if its target does not exist, for example because someone else has deleted it.
 */
export async function ignoreNotFound(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof DevpilotError) || error.code !== 'not_found') throw error;
  }
}

/** Returns the message of an error for the user. */
export function getErrorMessage(error: unknown): string {
  if (error instanceof DevpilotError) return error.message;
  return strings.api.unexpectedError;
}

/**
 * Returns the API's messages by form field, for `form.setErrors`, or null if the error names no field. `fields` maps
 * the API's field names to the names of form fields where they differ. Its keys are paths, such as
 * `backup.schedule`, or prefixes of paths, such as `backup`.
 */
export function getFieldErrors(
  error: unknown,
  fields: Readonly<Record<string, string>> = {},
): Record<string, string> | null {
  if (!(error instanceof DevpilotError) || error.errors.length === 0) return null;
  return Object.fromEntries(
    error.errors.map(({ field, message }) => {
      const path = field.split('.');
      // The longest path prefix that `fields` maps determines the form's field, otherwise the first segment.
      const lastMappedIndex = path.findLastIndex(
        (_, index) => fields[path.slice(0, index + 1).join('.')] !== undefined,
      );
      const mappedLength = Math.max(lastMappedIndex, 0) + 1;
      const apiField = path.slice(0, mappedLength).join('.');
      const remainder = path
        .slice(mappedLength)
        .map((part) => (/^\d+$/.test(part) ? strings.api.item(Number(part) + 1) : part))
        .join(', ');
      return [fields[apiField] ?? apiField, capitalize(remainder === '' ? message : `${remainder}: ${message}`)];
    }),
  );
}
