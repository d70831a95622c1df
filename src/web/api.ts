import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { type Client, createClient, DevpilotError } from '../sdk/client.ts';
import { capitalize } from './components/format.ts';
import { markReachable, markUnreachable } from './connection.ts';

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

/** The API as the signed-in person, whatever the workspace: own account, sign-in, the list of workspaces. */
export const api = createClient({ fetch: trackedFetch });

const clients = new Map<string, Client>();
/** The API within one workspace. A request can never end up in the workspace that the tab has switched to since. */
export function getWorkspaceApi(workspaceId: string): Client {
  const cached = clients.get(workspaceId);
  if (cached !== undefined) return cached;
  const client = createClient({ fetch: trackedFetch, workspace: workspaceId });
  clients.set(workspaceId, client);
  return client;
}

/** Tells whether the session is gone, so that only signing in again can help. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof DevpilotError && (error.code === 'missing_credential' || error.code === 'invalid_token');
}

let signedOutHandler: () => void = () => {};
/** Sets what happens when any answer says that the session is gone. */
export function setSignedOutHandler(handler: () => void): void {
  signedOutHandler = handler;
}
const handleQueryError = (error: unknown) => {
  if (isSignedOut(error)) signedOutHandler();
};

/** The client itself tries safe requests again; a second layer of retries would only hide the first. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: handleQueryError }),
  mutationCache: new MutationCache({ onError: handleQueryError }),
  defaultOptions: {
    queries: { networkMode: 'always', retry: false, staleTime: 10_000, refetchOnWindowFocus: true },
    // What was sent may be a password: no trace of it outlives the form.
    mutations: { networkMode: 'always', retry: false, gcTime: 0 },
  },
});

/** What to tell a person about an error. */
export function getErrorMessage(error: unknown): string {
  if (error instanceof DevpilotError) return error.message;
  return 'An unexpected error occurred. Reload the page and try again.';
}

/**
 * The server's field errors in the form that `useForm` takes, or null where the error is about no field. `fields`
 * says what they are called in the form where it differs, by their whole path or its first part.
 */
export function getFieldErrors(
  error: unknown,
  fields: Readonly<Record<string, string>> = {},
): Record<string, string> | null {
  if (!(error instanceof DevpilotError) || error.errors.length === 0) return null;
  return Object.fromEntries(
    error.errors.map(({ field, message }) => {
      const [first = field, ...subpath] = field.split('.');
      const wholePathName = fields[field];
      if (wholePathName !== undefined) return [wholePathName, capitalize(message)];
      const location = subpath.map((part) => (/^\d+$/.test(part) ? `item ${Number(part) + 1}` : part)).join(', ');
      return [fields[first] ?? first, capitalize(location === '' ? message : `${location}: ${message}`)];
    }),
  );
}
