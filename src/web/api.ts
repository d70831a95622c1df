import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { type Client, createClient, DevpilotError } from '../sdk/client.ts';
import { noteAnswer, noteSilence } from './connection.ts';

const send: typeof fetch = async (input, init) => {
  try {
    const response = await fetch(input, init);
    noteAnswer();
    return response;
  } catch (error) {
    if (init?.signal?.aborted !== true) noteSilence();
    throw error;
  }
};

/** The API as the signed-in person, whatever the workspace: own account, sign-in, the list of workspaces. */
export const api = createClient({ fetch: send });

const clients = new Map<string, Client>();
/** The API within one workspace. A request can never end up in the workspace that the tab has switched to since. */
export function apiIn(workspaceId: string): Client {
  const known = clients.get(workspaceId);
  if (known !== undefined) return known;
  const client = createClient({ fetch: send, workspace: workspaceId });
  clients.set(workspaceId, client);
  return client;
}

/** Tells whether the session is gone, so that only signing in again can help. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof DevpilotError && (error.code === 'missing_credential' || error.code === 'invalid_token');
}

let onSignedOut: () => void = () => {};
/** Sets what happens when any answer says that the session is gone. */
export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}
const watch = (error: unknown) => {
  if (isSignedOut(error)) onSignedOut();
};

/** The client itself tries safe requests again; a second layer of retries would only hide the first. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: watch }),
  mutationCache: new MutationCache({ onError: watch }),
  defaultOptions: {
    queries: { networkMode: 'always', retry: false, staleTime: 10_000, refetchOnWindowFocus: true },
    // What was sent may be a password: no trace of it outlives the form.
    mutations: { networkMode: 'always', retry: false, gcTime: 0 },
  },
});

/** What to tell a person about an error. */
export function messageOf(error: unknown): string {
  if (error instanceof DevpilotError) return error.message;
  return 'Something went wrong in this page. Reload it and try again.';
}

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/**
 * The server's field errors in the form that `useForm` takes, or null where the error is about no field. `fields`
 * says what they are called in the form where it differs, by their whole path or its first part.
 */
export function fieldErrorsOf(
  error: unknown,
  fields: Readonly<Record<string, string>> = {},
): Record<string, string> | null {
  if (!(error instanceof DevpilotError) || error.errors.length === 0) return null;
  return Object.fromEntries(
    error.errors.map(({ field, message }) => {
      const [first = field, ...within] = field.split('.');
      const whole = fields[field];
      if (whole !== undefined) return [whole, capital(message)];
      const where = within.map((part) => (/^\d+$/.test(part) ? `number ${Number(part) + 1}` : part)).join(', ');
      return [fields[first] ?? first, capital(where === '' ? message : `${where}: ${message}`)];
    }),
  );
}
